-- Question: who had more calls this week than usual, and who fewer?
-- Needs: calls; users for the names.
-- How to read it: a row a rep and week (its Monday) in which the rep had a call with a customer. four_weeks_before is
-- the mean of the four weeks before it, weeks without calls counted as 0; so the first four weeks of the range say
-- little. The range should begin on a Monday.
SELECT
    period AS week,
    user_id,
    rep,
    external_calls AS calls,
    coalesce(sum(external_calls) OVER before, 0) / 4 AS four_weeks_before,
    external_calls - coalesce(sum(external_calls) OVER before, 0) / 4 AS change
FROM calls_per_rep(
    'week', coalesce(getvariable('from_date'), current_date - 90), coalesce(getvariable('to_date'), current_date))
WHERE external_calls > 0
WINDOW before AS (
    PARTITION BY user_id ORDER BY period RANGE BETWEEN INTERVAL 28 DAYS PRECEDING AND INTERVAL 7 DAYS PRECEDING)
ORDER BY week DESC, change DESC, user_id;
