CREATE OR REPLACE VIEW free_mail_domains AS
SELECT unnest([
    'aol.com', 'bk.ru', 'bluewin.ch', 'btinternet.com', 'comcast.net', 'duck.com', 'fastmail.com', 'free.fr',
    'freenet.de', 'gmail.com', 'gmx.at', 'gmx.ch', 'gmx.com', 'gmx.de', 'gmx.net', 'googlemail.com', 'hey.com',
    'hotmail.co.uk', 'hotmail.com', 'hotmail.de', 'hotmail.es', 'hotmail.fr', 'hotmail.it', 'icloud.com',
    'inbox.ru', 'laposte.net', 'libero.it', 'list.ru', 'live.co.uk', 'live.com', 'live.fr', 'live.nl', 'mac.com',
    'mail.com', 'mail.ru', 'me.com', 'msn.com', 'naver.com', 'orange.fr', 'outlook.com', 'outlook.de',
    'outlook.es', 'outlook.fr', 'pm.me', 'posteo.de', 'proton.me', 'protonmail.com', 'qq.com', 'rediffmail.com',
    'rocketmail.com', 'sbcglobal.net', 'sfr.fr', 't-online.de', 'tutanota.com', 'uol.com.br', 'verizon.net',
    'virgilio.it', 'wanadoo.fr', 'web.de', 'yahoo.ca', 'yahoo.co.in', 'yahoo.co.jp', 'yahoo.co.uk', 'yahoo.com',
    'yahoo.com.br', 'yahoo.de', 'yahoo.es', 'yahoo.fr', 'yahoo.it', 'yandex.com', 'yandex.ru', 'ymail.com',
    'zoho.com', '126.com', '163.com'
]) AS email_domain;
COMMENT ON VIEW free_mail_domains IS 'Providers of mailboxes for anybody: such a domain names no company. Replace this view to have another list.';
