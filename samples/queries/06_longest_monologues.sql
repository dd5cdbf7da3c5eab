-- Question: where did one of us talk for longest without a pause for the customer?
-- Needs: calls, transcripts.
-- How to read it: the twenty longest monologues of our people on calls with customers; starts_at is the minute and
-- second to listen to.
SELECT
    call_date,
    title,
    speaker_name AS rep,
    mm_ss(min(start_ms)) AS starts_at,
    (max(end_ms) - min(start_ms)) / 1000 AS seconds,
    arg_min(text, sentence_index) AS begins_with,
    call_id,
    monologue_index
FROM transcripts
JOIN (SELECT call_id, call_date, title FROM calls WHERE scope = 'External') USING (call_id, call_date)
WHERE speaker_affiliation = 'Internal'
    AND call_date >= coalesce(getvariable('from_date'), current_date - 30)
    AND call_date < coalesce(getvariable('to_date'), current_date)
GROUP BY call_id, monologue_index, call_date, title, rep
ORDER BY seconds DESC, call_id, monologue_index
LIMIT 20;
