CREATE TABLE `account` (
	`userId` text NOT NULL,
	`type` text NOT NULL,
	`provider` text NOT NULL,
	`providerAccountId` text NOT NULL,
	`refresh_token` text,
	`access_token` text,
	`expires_at` integer,
	`token_type` text,
	`scope` text,
	`id_token` text,
	`session_state` text,
	PRIMARY KEY(`provider`, `providerAccountId`),
	FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE cascade
);

CREATE TABLE `authenticator` (
	`credentialID` text NOT NULL,
	`userId` text NOT NULL,
	`providerAccountId` text NOT NULL,
	`credentialPublicKey` text NOT NULL,
	`counter` integer NOT NULL,
	`credentialDeviceType` text NOT NULL,
	`credentialBackedUp` integer NOT NULL,
	`transports` text,
	PRIMARY KEY(`userId`, `credentialID`),
	FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE cascade
);

CREATE UNIQUE INDEX `authenticator_credentialID_unique` ON `authenticator` (`credentialID`);
CREATE TABLE `session` (
	`sessionToken` text PRIMARY KEY NOT NULL,
	`userId` text NOT NULL,
	`expires` integer NOT NULL,
	FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE cascade
);

CREATE TABLE `user` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text,
	`email` text,
	`emailVerified` integer,
	`image` text
);

CREATE UNIQUE INDEX `user_email_unique` ON `user` (`email`);
CREATE TABLE `verificationToken` (
	`identifier` text NOT NULL,
	`token` text NOT NULL,
	`expires` integer NOT NULL,
	PRIMARY KEY(`identifier`, `token`)
);

INSERT INTO account VALUES('2ebb5141-0750-4212-9037-b5cd37aca1a3','oidc','google','108123456789012345678',NULL,'secret-of-google',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO account VALUES('cbee6e8c-7b50-484a-bf66-205521b37fc1','oidc','google','108123456789012345679',NULL,'secret-of-google',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO account VALUES('7c1fa772-606d-4eb1-8096-d50390cef007','oauth','github','583231',NULL,'secret-of-github',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO account VALUES('9b112fbc-2115-48d7-9d8c-01a91a3bc8b6','oauth','github','583232',NULL,'secret-of-github',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO account VALUES('9b112fbc-2115-48d7-9d8c-01a91a3bc8b6','oidc','google','108123456789012345680',NULL,'secret-of-google',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO account VALUES('f1ae1fd5-0890-4ff8-bb0a-86d039f8f9f7','oauth','twitter','2244994945',NULL,'secret-of-twitter',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO account VALUES('f48c6a31-3417-4f04-88e2-97b3709f4ed3','oidc','microsoft-entra-id','AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',NULL,'secret-of-microsoft-entra-id',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO authenticator VALUES('key-of-ada','2ebb5141-0750-4212-9037-b5cd37aca1a3','key-of-ada','public',0,'multiDevice',1,NULL);
INSERT INTO session VALUES('session-of-ada','2ebb5141-0750-4212-9037-b5cd37aca1a3',1714979289123);
INSERT INTO user VALUES('2ebb5141-0750-4212-9037-b5cd37aca1a3','Ada Lovelace','ada@example.com',1714979289123,'https://pics.example/ada.png');
INSERT INTO user VALUES('cbee6e8c-7b50-484a-bf66-205521b37fc1','Bob','bob.b@gmail.com',NULL,'https://pics.example/bob');
INSERT INTO user VALUES('7c1fa772-606d-4eb1-8096-d50390cef007','Zoë O''Neil 🐢','zoe@example.org',NULL,'http://pics.example/zoe');
INSERT INTO user VALUES('9b112fbc-2115-48d7-9d8c-01a91a3bc8b6','Di','di@example.net',NULL,NULL);
INSERT INTO user VALUES('f1ae1fd5-0890-4ff8-bb0a-86d039f8f9f7','Ed',NULL,NULL,'https://pics.example/ed');
INSERT INTO user VALUES('14f6d24a-8bc7-4566-a8c6-1c52a4222b60',NULL,'Fay.O''Neil+news@Example.COM',1714979289123,NULL);
INSERT INTO user VALUES('f48c6a31-3417-4f04-88e2-97b3709f4ed3','Gus','gus@example.net',NULL,NULL);
INSERT INTO user VALUES('a0d47053-643a-4602-bb51-5e895e0443db','Hal','hal@example.net',NULL,NULL);
INSERT INTO verificationToken VALUES('ada@example.com','token-of-ada',1714979289123);
