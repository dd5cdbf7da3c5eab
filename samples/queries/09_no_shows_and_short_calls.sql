-- Question: how many arranged meetings with customers came to nothing?
-- Needs: calls, parties.
-- How to read it: a row a host. no_shows are meetings to which somebody external was invited and nobody external came;
-- short ones had a guest and ended within two minutes. Meetings that were never recorded are not in Gong at all.
WITH arranged AS (
    SELECT call_id, meeting_date, primary_user_id, duration_s
    FROM meetings
    WHERE call_date >= coalesce(getvariable('from_date'), current_date - 90)
        AND call_date < coalesce(getvariable('to_date'), current_date)
),
guests AS (
    SELECT call_id, count_if(methods_json::VARCHAR LIKE '%"Attendee"%') AS came
    FROM parties
    WHERE affiliation = 'External'
        AND call_date >= coalesce(getvariable('from_date'), current_date - 90)
        AND call_date < coalesce(getvariable('to_date'), current_date)
    GROUP BY call_id HAVING count_if(methods_json::VARCHAR LIKE '%"Invitee"%') > 0
)
SELECT
    primary_user_id AS user_id,
    count(*) AS arranged,
    count_if(came = 0) AS no_shows,
    count_if(came > 0 AND duration_s < 120) AS short,
    round(count_if(came = 0 OR duration_s < 120) / count(*), 2) AS lost_share
FROM arranged JOIN guests USING (call_id)
GROUP BY user_id
ORDER BY lost_share DESC, arranged DESC, user_id;
