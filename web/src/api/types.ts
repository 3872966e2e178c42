import type { components } from './schema.gen'

// Short names for the contract's schemas. Nothing is declared here that the
// contract does not say.
type Schemas = components['schemas']

export type User = Schemas['User']
export type UserSummary = Schemas['UserSummary']
export type AdminUser = Schemas['AdminUser']
export type AdminSession = Schemas['AdminSession']
export type Identity = Schemas['Identity']
export type MyEvent = Schemas['MyEvent']
export type MyMerge = Schemas['MyMerge']
export type MergePreview = Schemas['Merge']
export type MergeSide = Schemas['MergeSide']
export type Session = Schemas['Session']
export type TeamSession = Schemas['TeamSession']
export type CurrentSession = Schemas['CurrentSession']
export type SessionStatus = Schemas['SessionStatus']
export type Team = Schemas['Team']
export type Member = Schemas['Member']
export type Role = Schemas['Role']
export type Invitation = Schemas['Invitation']
export type MyInvitation = Schemas['MyInvitation']
export type Provider = Schemas['Provider']
export type Purpose = Schemas['Purpose']
export type ProofResult = Schemas['ProofResult']
export type ProblemDocument = Schemas['Problem']
