-- Question: how much of the talking do our reps do themselves, on calls with customers?
-- Needs: calls, parties.
-- How to read it: talk_ratio 0.43 means that of 100 minutes in which anybody spoke, the rep spoke 43. Longer calls
-- weigh more. Calls on which no customer spoke are left out. highest is the rep's most one-sided call.
SELECT
    user_id,
    any_value(rep) AS rep,
    count(*) AS calls,
    round(sum(talk_time_s) / sum(call_talk_time_s), 3) AS talk_ratio,
    round(max(talk_ratio), 3) AS highest
FROM talk_ratio(coalesce(getvariable('from_date'), current_date - 90), coalesce(getvariable('to_date'), current_date))
WHERE external_talk_time_s > 0
GROUP BY user_id
ORDER BY talk_ratio DESC, user_id;
