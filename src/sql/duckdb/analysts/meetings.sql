CREATE OR REPLACE VIEW meetings AS
SELECT
    call_id,
    call_started_at,
    scheduled_at,
    date_diff('second', scheduled_at, call_started_at) AS started_late_s,
    duration_s,
    title,
    meeting_url,
    calendar_event_id,
    primary_user_id,
    party_count,
    {day} AS meeting_date,
    {partition}
FROM calls
WHERE scheduled_at IS NOT NULL OR meeting_url IS NOT NULL OR calendar_event_id IS NOT NULL;
COMMENT ON VIEW meetings IS 'Calls that were arranged in advance. The API lists no meetings that were not recorded, so none of those that did not take place are here. started_late_s: seconds from the arranged time to the start, negative when it began early.';
