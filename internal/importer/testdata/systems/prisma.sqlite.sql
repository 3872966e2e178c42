-- CreateTable
CREATE TABLE "accounts" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "user_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "provider_account_id" TEXT NOT NULL,
    "refresh_token" TEXT,
    "access_token" TEXT,
    "expires_at" INTEGER,
    "token_type" TEXT,
    "scope" TEXT,
    "id_token" TEXT,
    "session_state" TEXT,
    CONSTRAINT "accounts_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "session_token" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "expires" DATETIME NOT NULL,
    CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT,
    "email" TEXT,
    "email_verified" DATETIME,
    "image" TEXT
);

-- CreateTable
CREATE TABLE "verificationtokens" (
    "identifier" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "expires" DATETIME NOT NULL
);

-- CreateIndex
CREATE UNIQUE INDEX "accounts_provider_provider_account_id_key" ON "accounts"("provider", "provider_account_id");

-- CreateIndex
CREATE UNIQUE INDEX "sessions_session_token_key" ON "sessions"("session_token");

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE UNIQUE INDEX "verificationtokens_identifier_token_key" ON "verificationtokens"("identifier", "token");

INSERT INTO accounts VALUES('cmx33vpnl0001ez7dvu2ln0qo','cmx33vp2k0000ez7d188rd15y','oidc','google','108123456789012345678',NULL,'secret-of-google',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO accounts VALUES('cmx33vpug0003ez7dyxapcva9','cmx33vpqp0002ez7dnkkkn1u9','oidc','google','108123456789012345679',NULL,'secret-of-google',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO accounts VALUES('cmx33vq560005ez7dgt6adtdo','cmx33vq270004ez7d3trxuls1','oauth','github','583231',NULL,'secret-of-github',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO accounts VALUES('cmx33vqhw0007ez7dj3p1153y','cmx33vqa60006ez7d7w3ozmht','oauth','github','583232',NULL,'secret-of-github',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO accounts VALUES('cmx33vqmd0008ez7dzixz7m2j','cmx33vqa60006ez7d7w3ozmht','oidc','google','108123456789012345680',NULL,'secret-of-google',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO accounts VALUES('cmx33vqob000aez7dygn56xig','cmx33vqnu0009ez7dnh7b0gvd','oauth','twitter','2244994945',NULL,'secret-of-twitter',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO accounts VALUES('cmx33vqy9000dez7dk7n89dil','cmx33vqu6000cez7d703hym1s','oidc','microsoft-entra-id','AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',NULL,'secret-of-microsoft-entra-id',1715000000,'bearer','openid email',NULL,NULL);
INSERT INTO sessions VALUES('cmx33vr1r000fez7dlv1ledm4','session-of-ada','cmx33vp2k0000ez7d188rd15y','2024-05-06T07:08:09.123+00:00');
INSERT INTO users VALUES('cmx33vp2k0000ez7d188rd15y','Ada Lovelace','ada@example.com','2024-05-06T07:08:09.123+00:00','https://pics.example/ada.png');
INSERT INTO users VALUES('cmx33vpqp0002ez7dnkkkn1u9','Bob','bob.b@gmail.com',NULL,'https://pics.example/bob');
INSERT INTO users VALUES('cmx33vq270004ez7d3trxuls1','Zoë O''Neil 🐢','zoe@example.org',NULL,'http://pics.example/zoe');
INSERT INTO users VALUES('cmx33vqa60006ez7d7w3ozmht','Di','di@example.net',NULL,NULL);
INSERT INTO users VALUES('cmx33vqnu0009ez7dnh7b0gvd','Ed',NULL,NULL,'https://pics.example/ed');
INSERT INTO users VALUES('cmx33vqrm000bez7dex6k633j',NULL,'Fay.O''Neil+news@Example.COM','2024-05-06T07:08:09.123+00:00',NULL);
INSERT INTO users VALUES('cmx33vqu6000cez7d703hym1s','Gus','gus@example.net',NULL,NULL);
INSERT INTO users VALUES('cmx33vqzg000eez7dwfv7p3d4','Hal','hal@example.net',NULL,NULL);
INSERT INTO verificationtokens VALUES('ada@example.com','token-of-ada','2024-05-06T07:08:09.123+00:00');
