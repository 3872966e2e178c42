export { type Api, type ApiOptions, abortAfter, createApi, expected, unwrap } from './api.js'
export { type Client, type ClientOptions, type CurrentSession, createClient, type ProofResult, type Purpose, type SignInOptions } from './client.js'
export { errorOf, LatchkeyError, type LatchkeyErrorCode, type LatchkeyErrorInit, type LibraryErrorCode, type ServiceErrorCode } from './errors.js'
export type { components, paths } from './schema.gen.js'
export { beginsOnPage } from './sign-in-url.js'
export type { TokenRequest } from './tokens.js'

import type { components } from './schema.gen.js'

type Schemas = components['schemas']
/** The person who is signed in. */
export type User = Schemas['User']
export type Session = Schemas['Session']
export type Team = Schemas['Team']
export type TeamSession = Schemas['TeamSession']
export type Role = Schemas['Role']
export type Member = Schemas['Member']
export type Invitation = Schemas['Invitation']
export type Identity = Schemas['Identity']
export type Merge = Schemas['Merge']
