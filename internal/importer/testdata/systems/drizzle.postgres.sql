CREATE TABLE "account" (
	"userId" text NOT NULL,
	"type" text NOT NULL,
	"provider" text NOT NULL,
	"providerAccountId" text NOT NULL,
	"refresh_token" text,
	"access_token" text,
	"expires_at" integer,
	"token_type" text,
	"scope" text,
	"id_token" text,
	"session_state" text,
	CONSTRAINT "account_provider_providerAccountId_pk" PRIMARY KEY("provider","providerAccountId")
);

CREATE TABLE "authenticator" (
	"credentialID" text NOT NULL,
	"userId" text NOT NULL,
	"providerAccountId" text NOT NULL,
	"credentialPublicKey" text NOT NULL,
	"counter" integer NOT NULL,
	"credentialDeviceType" text NOT NULL,
	"credentialBackedUp" boolean NOT NULL,
	"transports" text,
	CONSTRAINT "authenticator_userId_credentialID_pk" PRIMARY KEY("userId","credentialID"),
	CONSTRAINT "authenticator_credentialID_unique" UNIQUE("credentialID")
);

CREATE TABLE "session" (
	"sessionToken" text PRIMARY KEY NOT NULL,
	"userId" text NOT NULL,
	"expires" timestamp NOT NULL
);

CREATE TABLE "user" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text,
	"email" text,
	"emailVerified" timestamp,
	"image" text,
	CONSTRAINT "user_email_unique" UNIQUE("email")
);

CREATE TABLE "verificationToken" (
	"identifier" text NOT NULL,
	"token" text NOT NULL,
	"expires" timestamp NOT NULL,
	CONSTRAINT "verificationToken_identifier_token_pk" PRIMARY KEY("identifier","token")
);

ALTER TABLE "account" ADD CONSTRAINT "account_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "authenticator" ADD CONSTRAINT "authenticator_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "session" ADD CONSTRAINT "session_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;
INSERT INTO public."user" VALUES ('eb6450bc-ad9e-4ce5-b0bf-0d339b861baf', 'Ada Lovelace', 'ada@example.com', '2024-05-06 07:08:09.123', 'https://pics.example/ada.png');
INSERT INTO public."user" VALUES ('e49464e6-f0cd-4d3c-8224-34cfd02ff00d', 'Bob', 'bob.b@gmail.com', NULL, 'https://pics.example/bob');
INSERT INTO public."user" VALUES ('00dfe54e-6d7d-4d40-bfce-0a7fc9fc38fe', 'Zoë O''Neil 🐢', 'zoe@example.org', NULL, 'http://pics.example/zoe');
INSERT INTO public."user" VALUES ('3c0f1542-d20a-4b14-a873-6e690e76fb3d', 'Di', 'di@example.net', NULL, NULL);
INSERT INTO public."user" VALUES ('f60ed6cd-f51e-4d82-848b-1a8439b84ec6', 'Ed', NULL, NULL, 'https://pics.example/ed');
INSERT INTO public."user" VALUES ('64e7c492-a525-44e3-9f89-e749edc72cf4', NULL, 'Fay.O''Neil+news@Example.COM', '2024-05-06 07:08:09.123', NULL);
INSERT INTO public."user" VALUES ('41da448f-7a6f-4575-9e99-935eff573f96', 'Gus', 'gus@example.net', NULL, NULL);
INSERT INTO public."user" VALUES ('76fb24de-a3e9-41fa-ba1d-7c62c5227307', 'Hal', 'hal@example.net', NULL, NULL);
INSERT INTO public.account VALUES ('eb6450bc-ad9e-4ce5-b0bf-0d339b861baf', 'oidc', 'google', '108123456789012345678', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.account VALUES ('e49464e6-f0cd-4d3c-8224-34cfd02ff00d', 'oidc', 'google', '108123456789012345679', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.account VALUES ('00dfe54e-6d7d-4d40-bfce-0a7fc9fc38fe', 'oauth', 'github', '583231', NULL, 'secret-of-github', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.account VALUES ('3c0f1542-d20a-4b14-a873-6e690e76fb3d', 'oauth', 'github', '583232', NULL, 'secret-of-github', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.account VALUES ('3c0f1542-d20a-4b14-a873-6e690e76fb3d', 'oidc', 'google', '108123456789012345680', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.account VALUES ('f60ed6cd-f51e-4d82-848b-1a8439b84ec6', 'oauth', 'twitter', '2244994945', NULL, 'secret-of-twitter', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.account VALUES ('41da448f-7a6f-4575-9e99-935eff573f96', 'oidc', 'microsoft-entra-id', 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', NULL, 'secret-of-microsoft-entra-id', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.authenticator VALUES ('key-of-ada', 'eb6450bc-ad9e-4ce5-b0bf-0d339b861baf', 'key-of-ada', 'public', 0, 'multiDevice', true, NULL);
INSERT INTO public.session VALUES ('session-of-ada', 'eb6450bc-ad9e-4ce5-b0bf-0d339b861baf', '2024-05-06 07:08:09.123');
INSERT INTO public."verificationToken" VALUES ('ada@example.com', 'token-of-ada', '2024-05-06 07:08:09.123');
