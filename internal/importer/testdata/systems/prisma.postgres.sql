-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "accounts" (
    "id" TEXT NOT NULL,
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

    CONSTRAINT "accounts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "session_token" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "expires" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "name" TEXT,
    "email" TEXT,
    "email_verified" TIMESTAMP(3),
    "image" TEXT,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "verificationtokens" (
    "identifier" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "expires" TIMESTAMP(3) NOT NULL
);

-- CreateIndex
CREATE UNIQUE INDEX "accounts_provider_provider_account_id_key" ON "accounts"("provider", "provider_account_id");

-- CreateIndex
CREATE UNIQUE INDEX "sessions_session_token_key" ON "sessions"("session_token");

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE UNIQUE INDEX "verificationtokens_identifier_token_key" ON "verificationtokens"("identifier", "token");

-- AddForeignKey
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

INSERT INTO public.users VALUES ('cmx33xfmh0000lq7d0sv8mrwc', 'Ada Lovelace', 'ada@example.com', '2024-05-06 07:08:09.123', 'https://pics.example/ada.png');
INSERT INTO public.users VALUES ('cmx33xgsl0002lq7db60c8o0r', 'Bob', 'bob.b@gmail.com', NULL, 'https://pics.example/bob');
INSERT INTO public.users VALUES ('cmx33xgze0004lq7d9jxyioyr', 'Zoë O''Neil 🐢', 'zoe@example.org', NULL, 'http://pics.example/zoe');
INSERT INTO public.users VALUES ('cmx33xh9t0006lq7dge8sno7i', 'Di', 'di@example.net', NULL, NULL);
INSERT INTO public.users VALUES ('cmx33xhja0009lq7d2zvnc5vt', 'Ed', NULL, NULL, 'https://pics.example/ed');
INSERT INTO public.users VALUES ('cmx33xhwk000blq7d4br591nd', NULL, 'Fay.O''Neil+news@Example.COM', '2024-05-06 07:08:09.123', NULL);
INSERT INTO public.users VALUES ('cmx33xi29000clq7dqhxv7z3b', 'Gus', 'gus@example.net', NULL, NULL);
INSERT INTO public.users VALUES ('cmx33xi9m000elq7dfy3ar3en', 'Hal', 'hal@example.net', NULL, NULL);
INSERT INTO public.accounts VALUES ('cmx33xgnw0001lq7djz9hus7l', 'cmx33xfmh0000lq7d0sv8mrwc', 'oidc', 'google', '108123456789012345678', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.accounts VALUES ('cmx33xgtz0003lq7d59t3scmf', 'cmx33xgsl0002lq7db60c8o0r', 'oidc', 'google', '108123456789012345679', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.accounts VALUES ('cmx33xh7h0005lq7ddaycajel', 'cmx33xgze0004lq7d9jxyioyr', 'oauth', 'github', '583231', NULL, 'secret-of-github', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.accounts VALUES ('cmx33xhce0007lq7d2fjq5k2v', 'cmx33xh9t0006lq7dge8sno7i', 'oauth', 'github', '583232', NULL, 'secret-of-github', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.accounts VALUES ('cmx33xhgy0008lq7djzt1zmsw', 'cmx33xh9t0006lq7dge8sno7i', 'oidc', 'google', '108123456789012345680', NULL, 'secret-of-google', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.accounts VALUES ('cmx33xhmr000alq7dknqso58f', 'cmx33xhja0009lq7d2zvnc5vt', 'oauth', 'twitter', '2244994945', NULL, 'secret-of-twitter', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.accounts VALUES ('cmx33xi8g000dlq7dglfnnil0', 'cmx33xi29000clq7dqhxv7z3b', 'oidc', 'microsoft-entra-id', 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', NULL, 'secret-of-microsoft-entra-id', 1715000000, 'bearer', 'openid email', NULL, NULL);
INSERT INTO public.sessions VALUES ('cmx33xia5000flq7dt0summbg', 'session-of-ada', 'cmx33xfmh0000lq7d0sv8mrwc', '2024-05-06 07:08:09.123');
INSERT INTO public.verificationtokens VALUES ('ada@example.com', 'token-of-ada', '2024-05-06 07:08:09.123');
