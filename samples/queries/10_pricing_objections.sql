-- Question: what exactly do customers say against our prices?
-- Needs: calls, transcripts, call_trackers, call_tracker_occurrences (group content); a tracker whose name says pricing.
-- How to read it: a row a sentence in which a customer used a phrase of the pricing tracker while Gong heard the topic
-- Objections, with what our side answered next. said_at is the minute and second to listen to.
WITH priced AS (
    SELECT DISTINCT call_id, call_date, round(start_s * 1000)::BIGINT AS at_ms
    FROM call_tracker_occurrences
    JOIN call_trackers USING (call_id, call_date, tracker_index)
    WHERE name ILIKE '%pricing%'
        AND call_date >= coalesce(getvariable('from_date'), current_date - 90)
        AND call_date < coalesce(getvariable('to_date'), current_date)
),
said AS (
    SELECT
        *,
        -- The first sentence of ours after it.
        first_value(CASE WHEN speaker_affiliation = 'Internal' THEN text END IGNORE NULLS) OVER (
            PARTITION BY call_id, call_date ORDER BY sentence_index ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS answer
    FROM transcripts
    WHERE call_date >= coalesce(getvariable('from_date'), current_date - 90)
        AND call_date < coalesce(getvariable('to_date'), current_date)
)
SELECT DISTINCT
    said.call_date, title, speaker_name, mm_ss(start_ms) AS said_at, text, answer, said.call_id, sentence_index
FROM said
JOIN priced ON priced.call_id = said.call_id AND priced.call_date = said.call_date
    AND at_ms >= start_ms AND at_ms < end_ms
JOIN calls ON calls.call_id = said.call_id AND calls.call_date = said.call_date
WHERE topic = 'Objections' AND speaker_affiliation = 'External'
ORDER BY said.call_date, said.call_id, sentence_index;
