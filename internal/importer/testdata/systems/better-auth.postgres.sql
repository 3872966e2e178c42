create table "user" ("id" text not null primary key, "name" text not null, "email" text not null unique, "emailVerified" boolean not null, "image" text, "createdAt" timestamptz default CURRENT_TIMESTAMP not null, "updatedAt" timestamptz default CURRENT_TIMESTAMP not null, "role" text, "banned" boolean, "banReason" text, "banExpires" timestamptz, "twoFactorEnabled" boolean);

create table "session" ("id" text not null primary key, "expiresAt" timestamptz not null, "token" text not null unique, "createdAt" timestamptz default CURRENT_TIMESTAMP not null, "updatedAt" timestamptz not null, "ipAddress" text, "userAgent" text, "userId" text not null references "user" ("id") on delete cascade, "activeOrganizationId" text, "impersonatedBy" text);

create table "account" ("id" text not null primary key, "accountId" text not null, "providerId" text not null, "userId" text not null references "user" ("id") on delete cascade, "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" timestamptz, "refreshTokenExpiresAt" timestamptz, "scope" text, "password" text, "createdAt" timestamptz default CURRENT_TIMESTAMP not null, "updatedAt" timestamptz not null);

create table "verification" ("id" text not null primary key, "identifier" text not null, "value" text not null, "expiresAt" timestamptz not null, "createdAt" timestamptz default CURRENT_TIMESTAMP not null, "updatedAt" timestamptz default CURRENT_TIMESTAMP not null);

create table "organization" ("id" text not null primary key, "name" text not null, "slug" text not null unique, "logo" text, "createdAt" timestamptz not null, "metadata" text);

create table "member" ("id" text not null primary key, "organizationId" text not null references "organization" ("id") on delete cascade, "userId" text not null references "user" ("id") on delete cascade, "role" text not null, "createdAt" timestamptz not null);

create table "invitation" ("id" text not null primary key, "organizationId" text not null references "organization" ("id") on delete cascade, "email" text not null, "role" text, "status" text not null, "expiresAt" timestamptz not null, "createdAt" timestamptz default CURRENT_TIMESTAMP not null, "inviterId" text not null references "user" ("id") on delete cascade);

create table "twoFactor" ("id" text not null primary key, "secret" text not null, "backupCodes" text not null, "userId" text not null references "user" ("id") on delete cascade, "verified" boolean, "failedVerificationCount" integer, "lockedUntil" timestamptz);

create table "walletAddress" ("id" text not null primary key, "userId" text not null references "user" ("id") on delete cascade, "address" text not null, "chainId" integer not null, "isPrimary" boolean not null, "createdAt" timestamptz not null);

create index "session_userId_idx" on "session" ("userId");

create index "account_userId_idx" on "account" ("userId");

create index "verification_identifier_idx" on "verification" ("identifier");

create index "member_organizationId_idx" on "member" ("organizationId");

create index "member_userId_idx" on "member" ("userId");

create index "invitation_organizationId_idx" on "invitation" ("organizationId");

create index "invitation_email_idx" on "invitation" ("email");

create index "twoFactor_secret_idx" on "twoFactor" ("secret");

create index "twoFactor_userId_idx" on "twoFactor" ("userId");

create index "walletAddress_userId_idx" on "walletAddress" ("userId");
INSERT INTO public."user" VALUES ('TmWwq4tVFkENOLLnubSylM1Upk33SIqW', 'Ada Lovelace', 'ada@example.com', true, 'https://pics.example/ada.png', '2026-11-30 10:12:03.485+00', '2026-11-30 10:12:03.604+00', 'admin', false, NULL, NULL, false);
INSERT INTO public."user" VALUES ('CGhkxze6IidS37MAwNR6BbWekO0AhKz9', 'Bob', 'bob@example.com', false, NULL, '2026-11-30 10:12:04.964+00', '2026-11-30 10:12:04.964+00', 'user', false, NULL, NULL, false);
INSERT INTO public."user" VALUES ('HoJyOu29c2ALGSrwLojFEdgFnFe7WZ0l', 'Zoë O''Neil 🐢', 'zoe@example.org', true, NULL, '2026-11-30 10:12:05.03+00', '2026-11-30 10:12:05.03+00', 'user', false, NULL, NULL, false);
INSERT INTO public."user" VALUES ('nNAzQsTD7oA8LxwmGQIFmJibWfpaRKEx', 'Fay', 'fay@example.net', true, NULL, '2026-11-30 10:12:05.183+00', '2026-11-30 10:12:05.183+00', 'user', false, NULL, NULL, false);
INSERT INTO public."user" VALUES ('cUkbECaYUY7CtDcXqMg3UH02FKPdNIIq', 'Ed', 'ed@example.net', true, NULL, '2026-11-30 10:12:05.151+00', '2026-11-30 10:12:05.359+00', 'user', true, 'spam', '2037-06-01 00:00:00.359+00', false);
INSERT INTO public."user" VALUES ('Mw9NzUaTqn4pbkxbjNvgL0vownfmFB0c', 'Di', 'di@example.net', false, NULL, '2026-11-30 10:12:05.11+00', '2026-11-30 10:12:05.437+00', 'user', true, 'spam', NULL, false);
INSERT INTO public."user" VALUES ('QrC1KboFzo3yrbfLugdrDcYqNLFvNMAX', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A', '0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a@siwe.placeholder.invalid', false, '', '2026-11-30 10:12:06.448+00', '2026-11-30 10:12:06.448+00', 'user', false, NULL, NULL, false);
INSERT INTO public.account VALUES ('7xNRV87M4ZvnWS8qezlk7FsU2WVV51LC', 'TmWwq4tVFkENOLLnubSylM1Upk33SIqW', 'credential', 'TmWwq4tVFkENOLLnubSylM1Upk33SIqW', NULL, NULL, NULL, NULL, NULL, NULL, '16f06189f7ca6951c20027e91f741236:5a649b4b2bc14009500c11b9fa7b2efe25644768d6897135fa9c32fb45b1a63d8fe389db6c2dc781eebde3bee5ba435a79ec326cd092d3cb624345268e4f17e9', '2026-11-30 10:12:03.502+00', '2026-11-30 10:12:03.502+00');
INSERT INTO public.account VALUES ('N4g6u3pUY4vr0TJLRXG2d94SGGWxHO2t', '108123456789012345678', 'google', 'TmWwq4tVFkENOLLnubSylM1Upk33SIqW', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:03.613+00', '2026-11-30 10:12:03.613+00');
INSERT INTO public.account VALUES ('O5PZaQ3asHPhDRgJULY0l22CYWS22Lq4', 'CGhkxze6IidS37MAwNR6BbWekO0AhKz9', 'credential', 'CGhkxze6IidS37MAwNR6BbWekO0AhKz9', NULL, NULL, NULL, NULL, NULL, NULL, 'ca4aa6f8cc7dc961d24f519dfa10cef7:c306b956e18ab0fcaf9ec115485257f0bd8da20bb07313d929925b3c23558f0851a03225b4310d36a1c722f889c68b47ea0eac1314c7e9ba5ec32ad68ee4652c', '2026-11-30 10:12:04.976+00', '2026-11-30 10:12:04.976+00');
INSERT INTO public.account VALUES ('BZbvKjXQ0KY5LC2FNWY6U5Abzo6Uvw3b', '583231', 'github', 'HoJyOu29c2ALGSrwLojFEdgFnFe7WZ0l', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:05.096+00', '2026-11-30 10:12:05.096+00');
INSERT INTO public.account VALUES ('rq6g2b3VaHLIglBgvG4Ncb8MxOHHNceO', 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', 'microsoft', 'Mw9NzUaTqn4pbkxbjNvgL0vownfmFB0c', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:05.117+00', '2026-11-30 10:12:05.117+00');
INSERT INTO public.account VALUES ('In79GyhfN1a3VsdH06ggiDcgk9bd7Xvd', '583233', 'github', 'cUkbECaYUY7CtDcXqMg3UH02FKPdNIIq', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:05.168+00', '2026-11-30 10:12:05.168+00');
INSERT INTO public.account VALUES ('KkvGctaRzSz6JZLX9bKH1VhpISRtK4JO', '001234.abc', 'apple', 'nNAzQsTD7oA8LxwmGQIFmJibWfpaRKEx', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:05.191+00', '2026-11-30 10:12:05.191+00');
INSERT INTO public.account VALUES ('UmhpVaWri9cBW8ktPOm1tWKE8cVT9OzQ', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A:1', 'siwe', 'QrC1KboFzo3yrbfLugdrDcYqNLFvNMAX', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 10:12:06.466+00', '2026-11-30 10:12:06.466+00');
INSERT INTO public.account VALUES ('Ffe2yk3o2VwTwbo2GmskTiTZKIzqDmLk', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A:10', 'siwe', 'QrC1KboFzo3yrbfLugdrDcYqNLFvNMAX', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 10:12:06.68+00', '2026-11-30 10:12:06.68+00');
INSERT INTO public.organization VALUES ('cciW8KjYe549EDK5yTnKoTt0belWfYUa', 'Acme', 'acme', NULL, '2026-11-30 10:12:06.8+00', '{"plan":"pro"}');
INSERT INTO public.organization VALUES ('UPMgq5xwAZXRtkG3eDFBvhIIJWMuKOcS', 'Bob''s own', 'bobs', NULL, '2026-11-30 10:12:07.349+00', NULL);
INSERT INTO public.invitation VALUES ('IBDEv9pYvUMvIXJSX0WGFTn8g6E97rZs', 'cciW8KjYe549EDK5yTnKoTt0belWfYUa', 'new@example.com', 'admin', 'pending', '2037-06-01 00:00:00+00', '2026-11-30 10:12:07.088+00', 'TmWwq4tVFkENOLLnubSylM1Upk33SIqW');
INSERT INTO public.invitation VALUES ('WxZMe2HwahtzDj3LynL1WVn08HprYNkf', 'cciW8KjYe549EDK5yTnKoTt0belWfYUa', 'gone@example.com', 'member', 'canceled', '2037-06-01 00:00:00+00', '2026-11-30 10:12:07.205+00', 'TmWwq4tVFkENOLLnubSylM1Upk33SIqW');
INSERT INTO public.member VALUES ('ADKCOnKyi19nVNeugJZg4GOVKyZOFZqI', 'cciW8KjYe549EDK5yTnKoTt0belWfYUa', 'TmWwq4tVFkENOLLnubSylM1Upk33SIqW', 'owner', '2026-11-30 10:12:06.813+00');
INSERT INTO public.member VALUES ('DmaIP13qreDqgYMc03RQq7pqVHIm14iP', 'cciW8KjYe549EDK5yTnKoTt0belWfYUa', 'CGhkxze6IidS37MAwNR6BbWekO0AhKz9', 'member', '2026-11-30 10:12:06.882+00');
INSERT INTO public.member VALUES ('BHbNKS5dUytd78EfWunY59gAL621a8pe', 'cciW8KjYe549EDK5yTnKoTt0belWfYUa', 'HoJyOu29c2ALGSrwLojFEdgFnFe7WZ0l', 'admin,member', '2026-11-30 10:12:06.948+00');
INSERT INTO public.member VALUES ('CJOmi6i4uzzdfwcHZZShfXKiu1x0drbf', 'UPMgq5xwAZXRtkG3eDFBvhIIJWMuKOcS', 'CGhkxze6IidS37MAwNR6BbWekO0AhKz9', 'owner', '2026-11-30 10:12:07.358+00');
INSERT INTO public.session VALUES ('cGdod1WherLcvW2du1OW3VEFoJOYwn24', '2026-12-07 10:12:06.477+00', '0UoZU6ivel1jgPq35uTXASo5n99kb02t', '2026-11-30 10:12:06.477+00', '2026-11-30 10:12:06.477+00', '', '', 'QrC1KboFzo3yrbfLugdrDcYqNLFvNMAX', NULL, NULL);
INSERT INTO public.session VALUES ('8P8anVtrsnVvjrS2EkcfTXA0FRDu1Abx', '2026-12-07 10:12:06.692+00', '0sfJObVgMQn5MAySpiekgPQ7V0dBfVDp', '2026-11-30 10:12:06.692+00', '2026-11-30 10:12:06.692+00', '', '', 'QrC1KboFzo3yrbfLugdrDcYqNLFvNMAX', NULL, NULL);
INSERT INTO public.session VALUES ('6MVKAPf9pK7Fiwot2co3FqZiUSCsfcrx', '2026-12-07 10:12:03.529+00', 'Qdbko3wzkVyD4dGH1qCuwTqEkLCqsYOl', '2026-11-30 10:12:03.529+00', '2026-11-30 10:12:06.82+00', '', '', 'TmWwq4tVFkENOLLnubSylM1Upk33SIqW', 'cciW8KjYe549EDK5yTnKoTt0belWfYUa', NULL);
INSERT INTO public.session VALUES ('jR9ENLEqC5rtJrIXXKOJyM3nLSZx9J77', '2026-12-07 10:12:04.988+00', 'eMeRkSpq3ZeeLe9orTJVCcke0Owf7mpL', '2026-11-30 10:12:04.988+00', '2026-11-30 10:12:07.368+00', '', '', 'CGhkxze6IidS37MAwNR6BbWekO0AhKz9', 'UPMgq5xwAZXRtkG3eDFBvhIIJWMuKOcS', NULL);
INSERT INTO public."twoFactor" VALUES ('ha4bSrBWqYh2cWbeFhxtqEQ0zav9itN3', '803b16a3573a45d66c95f021639336ba642f3f91bfc8a5d3922cfa5458b7c28f569d7dbf328c846ef99c28afe85720f7c082f35cec1705104337d37412ccc91a7eeff070393c2df5', '1bbf22968177b89d15e1936293af8c8949517239564aed863770ac1d54c42a824f704416fb31786a3232adc0edc5d6f9e2c95f980cf5f689679b27d05a1858e769df58446a296896a47014194c32317ca5fa09873b8c0527d00a103f16d8f1ad6928b9b68c2add06b648cbaab9418b74b27904ec972cb6335e8d2a73d52bc5dfc7dfcbed09b46591c545103ce04fba89b75542691558b181707208f6255984ae4f6462312811614edfc30fdd768ab474740c350e0a', 'CGhkxze6IidS37MAwNR6BbWekO0AhKz9', false, 0, NULL);
INSERT INTO public."walletAddress" VALUES ('ebC3iO9nhUp18nHOMaVA1wVPqvCFsram', 'QrC1KboFzo3yrbfLugdrDcYqNLFvNMAX', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A', 1, true, '2026-11-30 10:12:06.46+00');
INSERT INTO public."walletAddress" VALUES ('CufIDwpQ4SDWpL3dTFSM79hIXL8YmYuF', 'QrC1KboFzo3yrbfLugdrDcYqNLFvNMAX', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A', 10, false, '2026-11-30 10:12:06.672+00');
