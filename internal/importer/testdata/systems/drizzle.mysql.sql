CREATE TABLE `account` (
	`userId` varchar(255) NOT NULL,
	`type` varchar(255) NOT NULL,
	`provider` varchar(255) NOT NULL,
	`providerAccountId` varchar(255) NOT NULL,
	`refresh_token` varchar(255),
	`access_token` varchar(255),
	`expires_at` int,
	`token_type` varchar(255),
	`scope` varchar(255),
	`id_token` varchar(2048),
	`session_state` varchar(255),
	CONSTRAINT `account_provider_providerAccountId_pk` PRIMARY KEY(`provider`,`providerAccountId`)
);

CREATE TABLE `authenticator` (
	`credentialID` varchar(255) NOT NULL,
	`userId` varchar(255) NOT NULL,
	`providerAccountId` varchar(255) NOT NULL,
	`credentialPublicKey` varchar(255) NOT NULL,
	`counter` int NOT NULL,
	`credentialDeviceType` varchar(255) NOT NULL,
	`credentialBackedUp` boolean NOT NULL,
	`transports` varchar(255),
	CONSTRAINT `authenticator_userId_credentialID_pk` PRIMARY KEY(`userId`,`credentialID`),
	CONSTRAINT `authenticator_credentialID_unique` UNIQUE(`credentialID`)
);

CREATE TABLE `session` (
	`sessionToken` varchar(255) NOT NULL,
	`userId` varchar(255) NOT NULL,
	`expires` timestamp NOT NULL,
	CONSTRAINT `session_sessionToken` PRIMARY KEY(`sessionToken`)
);

CREATE TABLE `user` (
	`id` varchar(255) NOT NULL,
	`name` varchar(255),
	`email` varchar(255),
	`emailVerified` timestamp(3),
	`image` varchar(255),
	CONSTRAINT `user_id` PRIMARY KEY(`id`),
	CONSTRAINT `user_email_unique` UNIQUE(`email`)
);

CREATE TABLE `verificationToken` (
	`identifier` varchar(255) NOT NULL,
	`token` varchar(255) NOT NULL,
	`expires` timestamp NOT NULL,
	CONSTRAINT `verificationToken_identifier_token_pk` PRIMARY KEY(`identifier`,`token`)
);

ALTER TABLE `account` ADD CONSTRAINT `account_userId_user_id_fk` FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON DELETE cascade ON UPDATE no action;
ALTER TABLE `authenticator` ADD CONSTRAINT `authenticator_userId_user_id_fk` FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON DELETE cascade ON UPDATE no action;
ALTER TABLE `session` ADD CONSTRAINT `session_userId_user_id_fk` FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON DELETE cascade ON UPDATE no action;
SET FOREIGN_KEY_CHECKS = 0;
INSERT INTO `account` VALUES ('d4fb0320-6ea0-4a13-91be-83bf2a505d30', 'oauth', 'github', '583231', NULL, 'secret-of-github', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO `account` VALUES ('f9a16d0b-5f90-402a-8d1b-0bfdc0dcc466', 'oauth', 'github', '583232', NULL, 'secret-of-github', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO `account` VALUES ('d4030a10-866a-4b3a-ac87-22b76307c223', 'oidc', 'google', '108123456789012345678', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO `account` VALUES ('78379244-967e-4f80-ae29-b32aa04c8260', 'oidc', 'google', '108123456789012345679', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO `account` VALUES ('f9a16d0b-5f90-402a-8d1b-0bfdc0dcc466', 'oidc', 'google', '108123456789012345680', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO `account` VALUES ('a2bcd04f-3840-46ba-8658-8707b0a85a34', 'oidc', 'microsoft-entra-id', 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', NULL, 'secret-of-microsoft-entra-id', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO `account` VALUES ('8af41e2f-8e60-4fd6-8ffb-a7ff856e6c33', 'oauth', 'twitter', '2244994945', NULL, 'secret-of-twitter', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO `authenticator` VALUES ('key-of-ada', 'd4030a10-866a-4b3a-ac87-22b76307c223', 'key-of-ada', 'public', 0, 'multiDevice', 1, NULL);
INSERT INTO `session` VALUES ('session-of-ada', 'd4030a10-866a-4b3a-ac87-22b76307c223', '2024-05-06 07:08:09');
INSERT INTO `user` VALUES ('054a5d47-c570-466b-a110-6b5b998b67c1', NULL, 'Fay.O\'Neil+news@Example.COM', '2024-05-06 07:08:09.123', NULL);
INSERT INTO `user` VALUES ('78379244-967e-4f80-ae29-b32aa04c8260', 'Bob', 'bob.b@gmail.com', NULL, 'https://pics.example/bob');
INSERT INTO `user` VALUES ('8af41e2f-8e60-4fd6-8ffb-a7ff856e6c33', 'Ed', NULL, NULL, 'https://pics.example/ed');
INSERT INTO `user` VALUES ('a2bcd04f-3840-46ba-8658-8707b0a85a34', 'Gus', 'gus@example.net', NULL, NULL);
INSERT INTO `user` VALUES ('d4030a10-866a-4b3a-ac87-22b76307c223', 'Ada Lovelace', 'ada@example.com', '2024-05-06 07:08:09.123', 'https://pics.example/ada.png');
INSERT INTO `user` VALUES ('d4fb0320-6ea0-4a13-91be-83bf2a505d30', 'Zoë O\'Neil 🐢', 'zoe@example.org', NULL, 'http://pics.example/zoe');
INSERT INTO `user` VALUES ('f4e48630-a844-4630-87ca-eecac7502eec', 'Hal', 'hal@example.net', NULL, NULL);
INSERT INTO `user` VALUES ('f9a16d0b-5f90-402a-8d1b-0bfdc0dcc466', 'Di', 'di@example.net', NULL, NULL);
INSERT INTO `verificationToken` VALUES ('ada@example.com', 'token-of-ada', '2024-05-06 07:08:09');
SET FOREIGN_KEY_CHECKS = 1;
