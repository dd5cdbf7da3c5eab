CREATE OR REPLACE MACRO mm_ss(ms) AS printf('%02d:%02d', ms // 60000, ms // 1000 % 60);
COMMENT ON MACRO mm_ss IS 'Milliseconds as minutes and seconds, 61 minutes as 61:00.';
