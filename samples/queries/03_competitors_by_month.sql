-- Question: which competitors come up, more or less often than the month before?
-- Needs: call_trackers, call_tracker_occurrences (group content); a tracker whose name says competitor.
-- How to read it: mentions counts every time a phrase of the tracker was said, calls the calls in which it was. The
-- first and the last month may be cut by the range.
SELECT
    date_trunc('month', call_date)::DATE AS month,
    phrase AS competitor,
    count(*) AS mentions,
    count(DISTINCT call_id) AS calls
FROM call_tracker_occurrences
JOIN call_trackers USING (call_id, call_date, tracker_index)
WHERE name ILIKE '%competitor%' AND phrase IS NOT NULL
    AND call_date >= coalesce(getvariable('from_date'), current_date - 365)
    AND call_date < coalesce(getvariable('to_date'), current_date)
GROUP BY month, competitor
ORDER BY month DESC, mentions DESC, competitor;
