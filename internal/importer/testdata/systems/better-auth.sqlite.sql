create table "user" ("id" text not null primary key, "name" text not null, "email" text not null unique, "emailVerified" integer not null, "image" text, "createdAt" date not null, "updatedAt" date not null, "role" text, "banned" integer, "banReason" text, "banExpires" date, "twoFactorEnabled" integer);

create table "session" ("id" text not null primary key, "expiresAt" date not null, "token" text not null unique, "createdAt" date not null, "updatedAt" date not null, "ipAddress" text, "userAgent" text, "userId" text not null references "user" ("id") on delete cascade, "activeOrganizationId" text, "impersonatedBy" text);

create table "account" ("id" text not null primary key, "accountId" text not null, "providerId" text not null, "userId" text not null references "user" ("id") on delete cascade, "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" date, "refreshTokenExpiresAt" date, "scope" text, "password" text, "createdAt" date not null, "updatedAt" date not null);

create table "verification" ("id" text not null primary key, "identifier" text not null, "value" text not null, "expiresAt" date not null, "createdAt" date not null, "updatedAt" date not null);

create table "organization" ("id" text not null primary key, "name" text not null, "slug" text not null unique, "logo" text, "createdAt" date not null, "metadata" text);

create table "member" ("id" text not null primary key, "organizationId" text not null references "organization" ("id") on delete cascade, "userId" text not null references "user" ("id") on delete cascade, "role" text not null, "createdAt" date not null);

create table "invitation" ("id" text not null primary key, "organizationId" text not null references "organization" ("id") on delete cascade, "email" text not null, "role" text, "status" text not null, "expiresAt" date not null, "createdAt" date not null, "inviterId" text not null references "user" ("id") on delete cascade);

create table "twoFactor" ("id" text not null primary key, "secret" text not null, "backupCodes" text not null, "userId" text not null references "user" ("id") on delete cascade, "verified" integer, "failedVerificationCount" integer, "lockedUntil" date);

create table "walletAddress" ("id" text not null primary key, "userId" text not null references "user" ("id") on delete cascade, "address" text not null, "chainId" integer not null, "isPrimary" integer not null, "createdAt" date not null);

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
INSERT INTO user VALUES('xG3sJXZ5NrO61O5zUQIrBfaqVuHQfbw8','Ada Lovelace','ada@example.com',1,'https://pics.example/ada.png','2026-11-30T10:11:45.779Z','2026-11-30T10:11:45.957Z','admin',0,NULL,NULL,0);
INSERT INTO user VALUES('oqCBuB25N0MRWedhqrbbNNCV78bNJBap','Bob','bob@example.com',0,NULL,'2026-11-30T10:11:47.305Z','2026-11-30T10:11:47.305Z','user',0,NULL,NULL,0);
INSERT INTO user VALUES('dAGvI2xuxqFOA0QY7JKS1gEINBYPRy9l','Zoë O''Neil 🐢','zoe@example.org',1,NULL,'2026-11-30T10:11:47.418Z','2026-11-30T10:11:47.418Z','user',0,NULL,NULL,0);
INSERT INTO user VALUES('iK2N4v1zAUhmTbafgGuSSgqbCQKz2nWb','Di','di@example.net',0,NULL,'2026-11-30T10:11:47.441Z','2026-11-30T10:11:48.074Z','user',1,'spam',NULL,0);
INSERT INTO user VALUES('PYbf3WWREmvYSHCJt6HtCZ1WjGOXjUTR','Ed','ed@example.net',1,NULL,'2026-11-30T10:11:47.608Z','2026-11-30T10:11:47.902Z','user',1,'spam','2037-05-31T23:59:59.902Z',0);
INSERT INTO user VALUES('Q4qGrQxZqWJrQzbeXsGACix27xcapTYl','Fay','fay@example.net',1,NULL,'2026-11-30T10:11:47.733Z','2026-11-30T10:11:47.733Z','user',0,NULL,NULL,0);
INSERT INTO user VALUES('sRqdoxixLMzizjtPDoQFQytHe3GNQuW3','0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A','0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a@siwe.placeholder.invalid',0,'','2026-11-30T10:11:48.810Z','2026-11-30T10:11:48.810Z','user',0,NULL,NULL,0);
INSERT INTO session VALUES('jXcRLLAJqNe4j15Q3n0LbmhIITg7n0Wq','2026-12-07T10:11:45.919Z','jH3RJ4awtimFqI7rqbOhv5WVFvW6Glwu','2026-11-30T10:11:45.919Z','2026-11-30T10:11:49.490Z','','','xG3sJXZ5NrO61O5zUQIrBfaqVuHQfbw8','Fvwn3bt9hWGmzhsfXZNvJXqnR8ZlPF1n',NULL);
INSERT INTO session VALUES('MlPf9UhZY0WbrtxQFHPW6j6hTe3qp35C','2026-12-07T10:11:47.394Z','8fApyxFr0pk1y2IYTBBZutGYhsbz1XWi','2026-11-30T10:11:47.394Z','2026-11-30T10:11:50.174Z','','','oqCBuB25N0MRWedhqrbbNNCV78bNJBap','Y0ZDjqlcnpbBask6Q34lUvlbD9nCGGVd',NULL);
INSERT INTO session VALUES('vt9pVZFvSTqKbiBRVW7lkMyCIAJZl9DF','2026-12-07T10:11:48.952Z','VNPCcF10slUx9BXH79FRB0FsIBO3BAmD','2026-11-30T10:11:48.952Z','2026-11-30T10:11:48.952Z','','','sRqdoxixLMzizjtPDoQFQytHe3GNQuW3',NULL,NULL);
INSERT INTO session VALUES('ycOh2NyarvEgf6K3ww30ovyJSxi7pVu8','2026-12-07T10:11:49.299Z','1Zo27tQOnyMBPZcSFomUWiWHDXPxLr8g','2026-11-30T10:11:49.300Z','2026-11-30T10:11:49.300Z','','','sRqdoxixLMzizjtPDoQFQytHe3GNQuW3',NULL,NULL);
INSERT INTO account VALUES('pFnY211m1is1sElXzKSedl6xhqN7owpR','xG3sJXZ5NrO61O5zUQIrBfaqVuHQfbw8','credential','xG3sJXZ5NrO61O5zUQIrBfaqVuHQfbw8',NULL,NULL,NULL,NULL,NULL,NULL,'bb8aaf759a21a42689c472fb4ac5dbae:cd70c4f02e5759864b25990b8eba8d6eb314436a651dfe9d0482cca021a298029841905b06bd77f8fa2254310868e5cc0e578600522f1c2381aed23b43faec22','2026-11-30T10:11:45.879Z','2026-11-30T10:11:45.879Z');
INSERT INTO account VALUES('ehN6L6oxM9GsW1jlZMabsPPXhAnnxbfr','108123456789012345678','google','xG3sJXZ5NrO61O5zUQIrBfaqVuHQfbw8','secret',NULL,NULL,NULL,NULL,'openid email',NULL,'2026-11-30T10:11:46.016Z','2026-11-30T10:11:46.016Z');
INSERT INTO account VALUES('1dmFazjMgIrLASDvgo9Pb51zdteOz1Xl','oqCBuB25N0MRWedhqrbbNNCV78bNJBap','credential','oqCBuB25N0MRWedhqrbbNNCV78bNJBap',NULL,NULL,NULL,NULL,NULL,NULL,'5bd8750de9a61459047b1d596a557465:5fe38582a5ba6df8f21387d22760cfefd0f8b914c98eb40b41e2b5ac435e8367aec6904eaa52235a2ff2cc2fe9d481111ea5dfbdb494ffcf45cb236e2ee78fa7','2026-11-30T10:11:47.388Z','2026-11-30T10:11:47.388Z');
INSERT INTO account VALUES('y0W7u6KULI2eUMkzd96mNDlLrleLg9uX','583231','github','dAGvI2xuxqFOA0QY7JKS1gEINBYPRy9l','secret',NULL,NULL,NULL,NULL,'openid email',NULL,'2026-11-30T10:11:47.429Z','2026-11-30T10:11:47.429Z');
INSERT INTO account VALUES('mCK26uYy7aAtuDwCSTICFA6epIasjhLk','AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ','microsoft','iK2N4v1zAUhmTbafgGuSSgqbCQKz2nWb','secret',NULL,NULL,NULL,NULL,'openid email',NULL,'2026-11-30T10:11:47.533Z','2026-11-30T10:11:47.533Z');
INSERT INTO account VALUES('NXACn0EVIc1cxMqozlFardC2XnlRo6kB','583233','github','PYbf3WWREmvYSHCJt6HtCZ1WjGOXjUTR','secret',NULL,NULL,NULL,NULL,'openid email',NULL,'2026-11-30T10:11:47.663Z','2026-11-30T10:11:47.663Z');
INSERT INTO account VALUES('cyFHqTqtnhnhH3jNzx4QhdUAtcAhLpHw','001234.abc','apple','Q4qGrQxZqWJrQzbeXsGACix27xcapTYl','secret',NULL,NULL,NULL,NULL,'openid email',NULL,'2026-11-30T10:11:47.764Z','2026-11-30T10:11:47.764Z');
INSERT INTO account VALUES('mROuSB79Kq3dZDvEdHU6VKGKaqN2miGw','0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A:1','siwe','sRqdoxixLMzizjtPDoQFQytHe3GNQuW3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-30T10:11:48.899Z','2026-11-30T10:11:48.899Z');
INSERT INTO account VALUES('AYyYbRvmTopP8h2AqYunngJhQ5OqDEnH','0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A:10','siwe','sRqdoxixLMzizjtPDoQFQytHe3GNQuW3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-30T10:11:49.253Z','2026-11-30T10:11:49.253Z');
INSERT INTO organization VALUES('Fvwn3bt9hWGmzhsfXZNvJXqnR8ZlPF1n','Acme','acme',NULL,'2026-11-30T10:11:49.406Z','{"plan":"pro"}');
INSERT INTO organization VALUES('Y0ZDjqlcnpbBask6Q34lUvlbD9nCGGVd','Bob''s own','bobs',NULL,'2026-11-30T10:11:50.105Z',NULL);
INSERT INTO member VALUES('IqyjIGlbEcCyUmh3W5iPUl20WGa7RTfl','Fvwn3bt9hWGmzhsfXZNvJXqnR8ZlPF1n','xG3sJXZ5NrO61O5zUQIrBfaqVuHQfbw8','owner','2026-11-30T10:11:49.451Z');
INSERT INTO member VALUES('H9VuprKserBw0h4xXZZp0yo6hTT4BLn2','Fvwn3bt9hWGmzhsfXZNvJXqnR8ZlPF1n','oqCBuB25N0MRWedhqrbbNNCV78bNJBap','member','2026-11-30T10:11:49.622Z');
INSERT INTO member VALUES('6jq5JJEANOOzk2980aPTdOW3owVNZou9','Fvwn3bt9hWGmzhsfXZNvJXqnR8ZlPF1n','dAGvI2xuxqFOA0QY7JKS1gEINBYPRy9l','admin,member','2026-11-30T10:11:49.706Z');
INSERT INTO member VALUES('6ph38BU6HRcVCkHoJiKv1aqmEuEkF84l','Y0ZDjqlcnpbBask6Q34lUvlbD9nCGGVd','oqCBuB25N0MRWedhqrbbNNCV78bNJBap','owner','2026-11-30T10:11:50.121Z');
INSERT INTO invitation VALUES('CMy1HrsEv3tNZ3jdglunEns3DrO39hxy','Fvwn3bt9hWGmzhsfXZNvJXqnR8ZlPF1n','new@example.com','admin','pending','2037-06-01T00:00:00.000Z','2026-11-30T10:11:49.864Z','xG3sJXZ5NrO61O5zUQIrBfaqVuHQfbw8');
INSERT INTO invitation VALUES('LgboPMrChEhfnX6cwQbiE0QSWGgEi9vh','Fvwn3bt9hWGmzhsfXZNvJXqnR8ZlPF1n','gone@example.com','member','canceled','2037-06-01T00:00:00.000Z','2026-11-30T10:11:49.946Z','xG3sJXZ5NrO61O5zUQIrBfaqVuHQfbw8');
INSERT INTO twoFactor VALUES('yxVBnDvKo66YL14uXzPnjCwsSjcA1vMt','68917525947e6986553cb4f00e292ff922eb1acfd8bfbca88a19c9c479195bc6c8af0d81dd490374482073a7a41194c13c60e712ed1cd96ea1c8fc09ffa66c9548c39416d20c63a0','361e195f98065d9658d975e944fa2ac852181af416f9611690609f8dfe63ae401a64ce6af9be6444b3a5c2cf563ce468c304bdbb5c9f09c3076cec35c50556c75022fb297435d8d039d7b7326e60f22f822a88c452c74418dd2a528ab993dba50054024514863f7b61df8d12fd5c53f345c281c7ab22378debecd120034966b0ab13d905425f21ce1274a924fbb86f299f25a1a20f4339f70f47bd6432d2d7aae02efba79293cae0de5debcd8cb4ee0295b6038c4b','oqCBuB25N0MRWedhqrbbNNCV78bNJBap',0,0,NULL);
INSERT INTO walletAddress VALUES('ESeYIzqjwvVMuGzWQ1sRBJUFiay1oldl','sRqdoxixLMzizjtPDoQFQytHe3GNQuW3','0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A',1,1,'2026-11-30T10:11:48.867Z');
INSERT INTO walletAddress VALUES('H2nSpkCuM36nS7uRLgeshWeFIT9sLDO5','sRqdoxixLMzizjtPDoQFQytHe3GNQuW3','0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A',10,0,'2026-11-30T10:11:49.208Z');
