-- Question: what exactly do customers say about our prices when they object?
-- Needs: calls, transcripts, call_trackers, call_tracker_occurrences (group content); trackers whose names say pricing
-- and objection.
-- How to read it: a row a sentence in which a customer used a phrase of the pricing tracker within half a minute of an
-- objection, with our next sentence as the answer. said_at is the minute and second to listen to.
WITH tracked AS (
    SELECT call_id, call_date, name, round(start_s * 1000)::BIGINT AS at_ms
    FROM call_tracker_occurrences
    JOIN call_trackers USING (call_id, call_date, tracker_index)
    WHERE call_date >= coalesce(getvariable('from_date'), current_date - 90)
        AND call_date < coalesce(getvariable('to_date'), current_date)
),
priced AS (
    SELECT DISTINCT call_id, at_ms
    FROM tracked
    SEMI JOIN (SELECT call_id, at_ms AS objected_ms FROM tracked WHERE name ILIKE '%objection%') AS objections
        ON objections.call_id = tracked.call_id AND abs(objected_ms - at_ms) <= 30000
    WHERE name ILIKE '%pricing%'
),
said AS (
    SELECT
        *,
        first_value(CASE WHEN speaker_affiliation = 'Internal' THEN text END IGNORE NULLS) OVER (
            PARTITION BY call_id ORDER BY sentence_index ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS answer
    FROM transcripts
    WHERE call_date >= coalesce(getvariable('from_date'), current_date - 90)
        AND call_date < coalesce(getvariable('to_date'), current_date)
)
SELECT said.call_date, title, speaker_name, mm_ss(start_ms) AS said_at, text, answer, said.call_id, sentence_index
FROM said
SEMI JOIN priced ON priced.call_id = said.call_id AND at_ms >= start_ms AND at_ms < end_ms
JOIN calls ON calls.call_id = said.call_id AND calls.call_date = said.call_date
WHERE speaker_affiliation = 'External'
    -- Said of calls too, so that only the range's files of them are read.
    AND calls.call_date >= coalesce(getvariable('from_date'), current_date - 90)
    AND calls.call_date < coalesce(getvariable('to_date'), current_date)
ORDER BY said.call_date, said.call_id, sentence_index;
