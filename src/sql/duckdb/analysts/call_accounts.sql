CREATE OR REPLACE VIEW call_accounts AS
WITH linked AS (
    -- A row a field, with the values of two times: of each object, the row that says its name, now if possible.
    SELECT
        call_id, call_started_at, {partition}, system, object_type, object_id,
        CASE WHEN lower(object_type) IN ('account', 'company') THEN 'account' ELSE 'deal' END AS kind,
        arg_min(value_text, coalesce(timing, 'Now') <> 'Now')
            FILTER (WHERE lower(field_name) IN ('name', 'dealname') AND value_text IS NOT NULL) AS name
    FROM {call_crm_fields}
    WHERE lower(object_type) IN ('account', 'company', 'opportunity', 'deal')
    GROUP BY ALL
),
met AS (
    SELECT DISTINCT call_id, call_started_at, {partition}, email_domain
    FROM {parties}
    WHERE affiliation = 'External' AND email_domain IS NOT NULL
        AND email_domain NOT IN (SELECT email_domain FROM free_mail_domains)
),
candidates AS (
    SELECT call_id, call_started_at, 'crm' AS source, kind, object_id AS id, name, system, object_type, {partition}
    FROM linked
    UNION ALL
    SELECT
        call_id, call_started_at, 'email_domain' AS source, 'account' AS kind, email_domain AS id,
        email_domain AS name, NULL AS system, NULL AS object_type, {partition}
    FROM met
)
-- Written without a join, so that a filter by {partition} reaches the files of both datasets.
SELECT * FROM candidates
QUALIFY source = 'crm' OR NOT bool_or(source = 'crm') OVER (PARTITION BY call_id, {partition});
COMMENT ON VIEW call_accounts IS 'Who a call was with: a row for each account and each deal of the CRM that Gong links to the call or to one of its participants (source crm). A call without any has a row for each e-mail domain of its external participants instead (source email_domain), free-mail providers left out. id: of the object in the CRM, null where Gong does not say; or the domain.';
