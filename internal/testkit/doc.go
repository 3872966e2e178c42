// Package testkit is what tests of more than one package share:
//
//   - [Together] runs a function many times at once, [FreePort] finds a port, and
//     [Missing] skips a test for want of something, but not in CI;
//   - storagetest opens a fresh, migrated database of each engine and puts people,
//     identities, sessions and teams into it;
//   - sessiontest signs people in over such a database and lets them act in teams;
//   - testpg starts private PostgreSQL servers, their standbys and PgBouncer;
//   - testredis starts a private Redis;
//   - apptest runs the whole service with real listeners, a clock that tests move,
//     browsers, wallets, a mail server and a proxy that cuts connections, and checks
//     every answer against the contract;
//   - providertest runs the development stand-ins of providers on a server of their
//     own, where they say what a test wants and can be broken;
//   - passkeytest is a browser with an authenticator, and solanatest a Solana wallet, in
//     software, which also answer wrongly;
//   - otlptest receives traces, as a collector of OpenTelemetry does;
//   - pgwire counts the statements and round trips to PostgreSQL on the wire.
//
// What only one package needs stays in that package.
package testkit
