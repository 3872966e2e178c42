create table `user` (`id` varchar(36) not null primary key, `name` varchar(255) not null, `email` varchar(255) not null unique, `emailVerified` boolean not null, `image` text, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `role` text, `banned` boolean, `banReason` text, `banExpires` timestamp(3), `twoFactorEnabled` boolean);

create table `session` (`id` varchar(36) not null primary key, `expiresAt` timestamp(3) not null, `token` varchar(255) not null unique, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) not null, `ipAddress` text, `userAgent` text, `userId` varchar(36) not null references `user` (`id`) on delete cascade, `activeOrganizationId` text, `impersonatedBy` text);

create table `account` (`id` varchar(36) not null primary key, `accountId` text not null, `providerId` text not null, `userId` varchar(36) not null references `user` (`id`) on delete cascade, `accessToken` text, `refreshToken` text, `idToken` text, `accessTokenExpiresAt` timestamp(3), `refreshTokenExpiresAt` timestamp(3), `scope` text, `password` text, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) not null);

create table `verification` (`id` varchar(36) not null primary key, `identifier` varchar(255) not null, `value` text not null, `expiresAt` timestamp(3) not null, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null);

create table `organization` (`id` varchar(36) not null primary key, `name` varchar(255) not null, `slug` varchar(255) not null unique, `logo` text, `createdAt` timestamp(3) not null, `metadata` text);

create table `member` (`id` varchar(36) not null primary key, `organizationId` varchar(36) not null references `organization` (`id`) on delete cascade, `userId` varchar(36) not null references `user` (`id`) on delete cascade, `role` varchar(255) not null, `createdAt` timestamp(3) not null);

create table `invitation` (`id` varchar(36) not null primary key, `organizationId` varchar(36) not null references `organization` (`id`) on delete cascade, `email` varchar(255) not null, `role` varchar(255), `status` varchar(255) not null, `expiresAt` timestamp(3) not null, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `inviterId` varchar(36) not null references `user` (`id`) on delete cascade);

create table `twoFactor` (`id` varchar(36) not null primary key, `secret` varchar(255) not null, `backupCodes` text not null, `userId` varchar(36) not null references `user` (`id`) on delete cascade, `verified` boolean, `failedVerificationCount` integer, `lockedUntil` timestamp(3));

create table `walletAddress` (`id` varchar(36) not null primary key, `userId` varchar(36) not null references `user` (`id`) on delete cascade, `address` text not null, `chainId` integer not null, `isPrimary` boolean not null, `createdAt` timestamp(3) not null);

create index `session_userId_idx` on `session` (`userId`);

create index `account_userId_idx` on `account` (`userId`);

create index `verification_identifier_idx` on `verification` (`identifier`);

create index `member_organizationId_idx` on `member` (`organizationId`);

create index `member_userId_idx` on `member` (`userId`);

create index `invitation_organizationId_idx` on `invitation` (`organizationId`);

create index `invitation_email_idx` on `invitation` (`email`);

create index `twoFactor_secret_idx` on `twoFactor` (`secret`);

create index `twoFactor_userId_idx` on `twoFactor` (`userId`);

create index `walletAddress_userId_idx` on `walletAddress` (`userId`);
SET FOREIGN_KEY_CHECKS = 0;
INSERT INTO `account` VALUES ('1q0A17pHBgQmKDlE0Lh2GudFwcHU7h3F', '108123456789012345678', 'google', 'DR8Lb0Fl8YFSPyDpnBxyEuUZIqzt56dh', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:21.544', '2026-11-30 10:12:21.544');
INSERT INTO `account` VALUES ('AZAFJfYR0EUMOdpx2BzrgBSzJtYMIHJa', '583233', 'github', 'b0UdJSoaTKBCH40BTnUWywpWgVNKA5pI', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:23.106', '2026-11-30 10:12:23.106');
INSERT INTO `account` VALUES ('JKnTTGlPthbuPCluf2AGKyqV3HMRjkAR', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A:10', 'siwe', 'BfN9XCnobEsVRKmPeIvp8lG0iBZFGvFa', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 10:12:24.559', '2026-11-30 10:12:24.559');
INSERT INTO `account` VALUES ('mQeUYTeCtvIlpxupDLqxJApnLW9nCY26', '583231', 'github', 'XrvgvN6PFwRqXPhbG0IfgApqcYMebHKk', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:22.888', '2026-11-30 10:12:22.888');
INSERT INTO `account` VALUES ('RLxViTdO86yr5yWo3iDhTOruVzt3F9aV', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A:1', 'siwe', 'BfN9XCnobEsVRKmPeIvp8lG0iBZFGvFa', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 10:12:24.214', '2026-11-30 10:12:24.214');
INSERT INTO `account` VALUES ('VbntiCuYxeVCn0lORAWH0HaWdZsQbAJO', 'DR8Lb0Fl8YFSPyDpnBxyEuUZIqzt56dh', 'credential', 'DR8Lb0Fl8YFSPyDpnBxyEuUZIqzt56dh', NULL, NULL, NULL, NULL, NULL, NULL, '06908ec64884afaed31a0722cd6cee6c:03f160099742bb92ef0f1d67afcd936f88d9ad7328ac753610e3c79e92bc40fc6255f3fec6239bc0c34b1c3862842563d24853e9d8010d46bb7c479ea0129f0d', '2026-11-30 10:12:21.400', '2026-11-30 10:12:21.400');
INSERT INTO `account` VALUES ('yEUvJcRq7FljPTbNeuOsbJUGTw2d5cY4', 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', 'microsoft', 'YP6qLpjk8p3iXMtyHZA2cPg975a2Tz3U', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:23.036', '2026-11-30 10:12:23.036');
INSERT INTO `account` VALUES ('YuQKCsDL6QcU7BQw814MGGGXa2rI0O6v', '001234.abc', 'apple', 'n7eboZzJk5pb8e0zPLyVG7T6g2MS4iVe', 'secret', NULL, NULL, NULL, NULL, 'openid email', NULL, '2026-11-30 10:12:23.121', '2026-11-30 10:12:23.121');
INSERT INTO `account` VALUES ('Zmzfbsxyv7SXBEPrUAdNI4GE3Sw15dwG', 'u9qcIafqvVSLRlR98V18QQ3TpeS2fliu', 'credential', 'u9qcIafqvVSLRlR98V18QQ3TpeS2fliu', NULL, NULL, NULL, NULL, NULL, NULL, '0898402de4ae5c03bac5e7d7e5fd416c:af39178d58ec2814098cc828ae5dabc82f6be2942d99f97cba1c266228fbbe68eac5867d83a785d5b72350a6662d2731f57b0a664804899904386a3f148cf504', '2026-11-30 10:12:22.736', '2026-11-30 10:12:22.736');
INSERT INTO `invitation` VALUES ('EfcVN5KVfDDZ8UOdZDq5KOlBbpz1Cvml', 'bScGDW5vkxf61NkEdkv1R2l9B5e8KAHZ', 'new@example.com', 'admin', 'pending', '2037-06-01 00:00:00.000', '2026-11-30 10:12:25.074', 'DR8Lb0Fl8YFSPyDpnBxyEuUZIqzt56dh');
INSERT INTO `invitation` VALUES ('jQTZuPpl24lysf9maP5FNJPAfyCR2SpM', 'bScGDW5vkxf61NkEdkv1R2l9B5e8KAHZ', 'gone@example.com', 'member', 'canceled', '2037-06-01 00:00:00.000', '2026-11-30 10:12:25.189', 'DR8Lb0Fl8YFSPyDpnBxyEuUZIqzt56dh');
INSERT INTO `member` VALUES ('k1KHKbbNzti2bwt20XnumMjAvs9mg9bT', 'bScGDW5vkxf61NkEdkv1R2l9B5e8KAHZ', 'XrvgvN6PFwRqXPhbG0IfgApqcYMebHKk', 'admin,member', '2026-11-30 10:12:24.940');
INSERT INTO `member` VALUES ('wldhBSk824CExqWAWS0mhXvNTtNczAVD', 'bScGDW5vkxf61NkEdkv1R2l9B5e8KAHZ', 'DR8Lb0Fl8YFSPyDpnBxyEuUZIqzt56dh', 'owner', '2026-11-30 10:12:24.755');
INSERT INTO `member` VALUES ('yfFlca3JKx6Cq6OsENe84EYKzUnOymfa', 'lEgor8yLP4l5Cu2KctJBuTa8w6PydCDf', 'u9qcIafqvVSLRlR98V18QQ3TpeS2fliu', 'owner', '2026-11-30 10:12:25.480');
INSERT INTO `member` VALUES ('zgewN42SPZx6BGwpXay42YTZbhCMYYyQ', 'bScGDW5vkxf61NkEdkv1R2l9B5e8KAHZ', 'u9qcIafqvVSLRlR98V18QQ3TpeS2fliu', 'member', '2026-11-30 10:12:24.871');
INSERT INTO `organization` VALUES ('bScGDW5vkxf61NkEdkv1R2l9B5e8KAHZ', 'Acme', 'acme', NULL, '2026-11-30 10:12:24.750', '{\"plan\":\"pro\"}');
INSERT INTO `organization` VALUES ('lEgor8yLP4l5Cu2KctJBuTa8w6PydCDf', 'Bob\'s own', 'bobs', NULL, '2026-11-30 10:12:25.476', NULL);
INSERT INTO `session` VALUES ('4Sqf6yFc28JbHJHdyhC88h8kohEJX9PM', '2026-12-07 10:12:24.572', 'pu8pSoTz670MshHFiUMGIcKgcgtNfRxE', '2026-11-30 10:12:24.572', '2026-11-30 10:12:24.572', '', '', 'BfN9XCnobEsVRKmPeIvp8lG0iBZFGvFa', NULL, NULL);
INSERT INTO `session` VALUES ('9RtageVKrLk0sB5v61s9IFcczHnn4lI7', '2026-12-07 10:12:22.752', 'bfLctdJXgERRvHxJC6HA1FsKiuImR1XK', '2026-11-30 10:12:22.752', '2026-11-30 10:12:25.483', '', '', 'u9qcIafqvVSLRlR98V18QQ3TpeS2fliu', 'lEgor8yLP4l5Cu2KctJBuTa8w6PydCDf', NULL);
INSERT INTO `session` VALUES ('aTgwD3iqezQu4kVQ3Gc1ANq5R0gyJIKG', '2026-12-07 10:12:21.417', 'v2tsbSa7Ni3KEaPtRjpI1D309JXyZbQ2', '2026-11-30 10:12:21.417', '2026-11-30 10:12:24.782', '', '', 'DR8Lb0Fl8YFSPyDpnBxyEuUZIqzt56dh', 'bScGDW5vkxf61NkEdkv1R2l9B5e8KAHZ', NULL);
INSERT INTO `session` VALUES ('cKm5hCq21FwE15sjudGRe8sKXfr2YHy3', '2026-12-07 10:12:24.264', '7rwmwcjxT6cbnHJvwNofZzT0cVkQFULs', '2026-11-30 10:12:24.265', '2026-11-30 10:12:24.265', '', '', 'BfN9XCnobEsVRKmPeIvp8lG0iBZFGvFa', NULL, NULL);
INSERT INTO `twoFactor` VALUES ('8In0PbY6nDzk9s15b2aIT3K3Q1uIFAJL', '1ffd86b1ff954fb91a5cc20effd21c1cee5175f558181ff1f28266adef48aa3d276f7172ecc5a8fb2d897d32e564484dcb2b23defecbb8140e0f7347064c10d733090ef654a96f06', 'df015e93069a28ebd747143a878ce8117975dd132108aa4001f7e15038f248c94d4e0a7e837e81b3abf955eb1c418bc702e5da15a2393431437e3463f62ff84ad5817ebbfda7173bb5c5dd104c3a79a0833b9ba62f412b34c8aa01dfa68097e754ddece49a855560b282b3dd041f0cd85fc18a54dcde66151eabee3336ba6217166aca9614857787aa5186b300aaeb0b59a903c3c56bbb0e5c7812dcbcfa6c805c0d690930311bd90f24065ff03eae6781970d1fe0', 'u9qcIafqvVSLRlR98V18QQ3TpeS2fliu', 0, 0, NULL);
INSERT INTO `user` VALUES ('b0UdJSoaTKBCH40BTnUWywpWgVNKA5pI', 'Ed', 'ed@example.net', 1, NULL, '2026-11-30 10:12:23.060', '2026-11-30 10:12:23.208', 'user', 1, 'spam', '2037-06-01 00:00:00.208', 0);
INSERT INTO `user` VALUES ('BfN9XCnobEsVRKmPeIvp8lG0iBZFGvFa', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A', '0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a@siwe.placeholder.invalid', 0, '', '2026-11-30 10:12:24.116', '2026-11-30 10:12:24.116', 'user', 0, NULL, NULL, 0);
INSERT INTO `user` VALUES ('DR8Lb0Fl8YFSPyDpnBxyEuUZIqzt56dh', 'Ada Lovelace', 'ada@example.com', 1, 'https://pics.example/ada.png', '2026-11-30 10:12:21.384', '2026-11-30 10:12:21.518', 'admin', 0, NULL, NULL, 0);
INSERT INTO `user` VALUES ('n7eboZzJk5pb8e0zPLyVG7T6g2MS4iVe', 'Fay', 'fay@example.net', 1, NULL, '2026-11-30 10:12:23.118', '2026-11-30 10:12:23.118', 'user', 0, NULL, NULL, 0);
INSERT INTO `user` VALUES ('u9qcIafqvVSLRlR98V18QQ3TpeS2fliu', 'Bob', 'bob@example.com', 0, NULL, '2026-11-30 10:12:22.716', '2026-11-30 10:12:22.716', 'user', 0, NULL, NULL, 0);
INSERT INTO `user` VALUES ('XrvgvN6PFwRqXPhbG0IfgApqcYMebHKk', 'Zoë O\'Neil 🐢', 'zoe@example.org', 1, NULL, '2026-11-30 10:12:22.842', '2026-11-30 10:12:22.842', 'user', 0, NULL, NULL, 0);
INSERT INTO `user` VALUES ('YP6qLpjk8p3iXMtyHZA2cPg975a2Tz3U', 'Di', 'di@example.net', 0, NULL, '2026-11-30 10:12:22.923', '2026-11-30 10:12:23.297', 'user', 1, 'spam', NULL, 0);
INSERT INTO `walletAddress` VALUES ('e3mdijxsdhJiVJxA4yu97RYaghD0BrnM', 'BfN9XCnobEsVRKmPeIvp8lG0iBZFGvFa', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A', 10, 0, '2026-11-30 10:12:24.543');
INSERT INTO `walletAddress` VALUES ('ieOlXZnw8RfZeTfN4H9ZxNfzi5HXu0Sh', 'BfN9XCnobEsVRKmPeIvp8lG0iBZFGvFa', '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A', 1, 1, '2026-11-30 10:12:24.166');
SET FOREIGN_KEY_CHECKS = 1;
