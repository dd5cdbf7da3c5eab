CREATE OR REPLACE MACRO call_transcript(id, on_date := NULL) AS TABLE
WITH sentences AS (
    SELECT *, coalesce(speaker_id, 'monologue ' || monologue_index) AS voice
    FROM {transcripts} WHERE call_id = id AND {partition} = coalesce(date_trunc('{unit}', on_date::DATE)::DATE, {partition})
),
begins AS (
    SELECT *, voice IS DISTINCT FROM lag(voice) OVER (ORDER BY sentence_index) AS is_new FROM sentences
),
turns AS (
    SELECT *, count(*) FILTER (WHERE is_new) OVER (ORDER BY sentence_index) AS turn FROM begins
)
SELECT
    turn,
    mm_ss(min(start_ms)) AS start_time,
    coalesce(any_value(speaker_name), 'Speaker ' || any_value(speaker_id), 'Unknown speaker') AS speaker,
    any_value(speaker_affiliation) AS affiliation,
    string_agg(text, ' ' ORDER BY sentence_index) AS text,
    min(start_ms) AS start_ms,
    max(end_ms) AS end_ms
FROM turns GROUP BY turn ORDER BY turn;
COMMENT ON MACRO TABLE call_transcript IS 'What was said in a call: a row a turn, the consecutive sentences of one speaker joined. start_time is mm:ss from the start of the call. on_date, the day of the call, saves looking through all days.';
