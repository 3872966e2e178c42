// What happened and what to do about it, by the code of the problem document
// (and of the app's own faults). Plain words; never a code.
export const words = {
  identity_taken: {
    title: 'This way in belongs to another account',
    text: 'Nothing was changed. If that account is yours, sign out and sign in with this way in to use it; otherwise link a different one here.',
  },
  email_taken: {
    title: 'There is already an account with this email address',
    text: 'Sign in to it with a method it already has. Then you can link this one.',
  },
  // While linking, "sign in the way you did before" would be no help.
  email_taken_link: {
    title: 'The e-mail address of that account belongs to someone else here',
    text: 'Nothing was changed. If that other account is yours, sign out and sign in to it instead; otherwise link a different one.',
  },
  identity_mismatch: {
    title: 'That is not a way into this account',
    text: 'To confirm that it is you, use one of the ways in listed on your account page.',
  },
  reauth_required: {
    title: 'Please confirm that it is you',
    text: 'It has been a while since you signed in. Confirm with any way in you have, then do this again.',
  },
  policy_unsatisfied: {
    title: 'The team asks for more',
    text: 'Its policy is not satisfied by how you are signed in. Ask an owner of the team.',
  },
  // By the rule of the policy.
  policy_unsatisfied_allowed_networks: {
    title: 'The team can be used from its own networks only',
    text: 'The address you come from is in none of them. Go to one of them, such as a VPN of the team, or ask an owner of the team.',
  },
  policy_unsatisfied_max_age: { title: 'The team asks for a new sign-in', text: 'You signed in longer ago than its policy allows. Sign in again.' },
  policy_unsatisfied_idle: {
    title: 'The team asks whether it is still you',
    text: 'This session was not used for longer than its policy allows. Confirm with any way in you have.',
  },
  policy_unsatisfied_required_providers: {
    title: 'The team asks for another way in',
    text: 'Confirm with what is missing, or link it on your account page if you do not have it yet. Missing:',
  },
  policy_unsatisfied_require_fresh_for_admin: {
    title: 'Please confirm that it is you',
    text: 'Changes to this team need a recent proof. Confirm with any way in you have, then do this again.',
  },
  policy_unsatisfied_unreadable: { title: 'The policy of the team cannot be read', text: 'It admits nobody until an owner sets it again. Ask an owner of the team.' },
  // While setting a policy; what its rule asks for follows.
  policy_unsatisfied_policy: { title: 'You would shut yourself out', text: 'Your own session does not satisfy this policy, and only an owner can save such a one.' },
  recovery_restricted: {
    title: 'Add a way in first',
    text: 'You came in by a recovery code. Link a way in that you can use from now on; then everything else works again.',
  },
  access_denied: { title: 'You cancelled at the provider', text: 'Nothing was changed. Try again, or choose another way in.' },
  invalid_state: {
    title: 'That sign-in is no longer valid',
    text: 'It took too long, was used already, or began in another browser. Start again here.',
  },
  invalid_proof: { title: 'The answer could not be verified', text: 'Nothing was changed. Start again here.' },
  invalid_message: { title: 'The wallet changed the text', text: 'It must be signed as it was shown. Try again, or use another wallet.' },
  proof_used: { title: 'That answer was used already', text: 'Each one works once. Start again here.' },
  proof_too_old: {
    title: 'You were not asked to sign in again',
    text: 'The provider answered from a session it already had, which does not verify that it is you. Sign out there, or use another sign-in method.',
  },
  ticket_invalid: {
    title: 'That took too long',
    text: 'Nothing was changed. Link the way in once more to see both accounts again.',
  },
  merge_changed: {
    title: 'Something has changed meanwhile',
    text: 'Nothing was merged. Look at both accounts as they are now, then confirm again.',
  },
  sessions_changed: {
    title: 'Something has changed meanwhile',
    text: 'Nothing was ended. Look at the sessions as they are now, then confirm again.',
  },
  merge_moved_on: {
    title: 'This cannot be taken back as it is',
    text: 'Nothing was changed now. Put back what you can of what has changed, such as an address or a role in a team, or take the later merge back first; then try again. A way in that was unlinked does not go back: link it again where you want it.',
  },
  operator_merge: {
    title: 'This account belongs to an administrator',
    text: 'Accounts of administrators are merged on the server: ask whoever runs this service to run latchkey merge.',
  },
  merge_refused: { title: 'These two accounts cannot become one', text: 'Nothing was changed.' },
  grant_refused: { title: 'This sign-in method cannot be let ask', text: 'Nothing was changed.' },
  no_verified_address: {
    title: 'That address is not verified as yours',
    text: 'Add it by mail first: you get a code and a link, and it is yours once you have used one.',
  },
  provider_unavailable: {
    title: 'The provider cannot be reached right now',
    text: 'The fault is not yours. Try again in a minute, or choose another way in.',
  },
  provider_failed: {
    title: 'The provider refused the request',
    text: 'Choose another way in. If this keeps happening, tell whoever runs this service.',
  },
  provider_not_configured: { title: 'This service does not offer that way in', text: 'Choose one of those shown here.' },
  sign_up_closed: { title: 'You can’t create an account here', text: 'Accounts are by invitation or closed. If you have an account, sign in with a method it already has; if not, ask for an invitation to your email address.' },
  domain_not_allowed: { title: 'This email domain isn’t allowed', text: 'Accounts here are for verified email addresses of certain domains. Sign in with a method that uses your work address.' },
  user_disabled: { title: 'This account is disabled', text: 'Ask whoever runs this service to enable it again.' },
  unauthenticated: { title: 'You are not signed in any more', text: 'The session ended here or was ended elsewhere. Sign in again.' },
  forbidden: { title: 'Your role does not allow this', text: 'Ask an owner or admin of the team.' },
  origin_not_allowed: { title: 'This page is open at the wrong address', text: 'Open this service at its own address, then try again.' },
  operator_required: { title: 'Only operators can see this', text: 'Ask whoever runs this service to make you one.' },
  team_session_required: { title: 'You are not in the team right now', text: 'Enter the team first, then try again.' },
  not_found: { title: 'There is nothing here', text: 'It was removed, or it is not yours to see.' },
  invalid_request: { title: 'That was not accepted', text: 'Check what you typed, then try again.' },
  invalid_return_to: { title: 'The link that brought you here is wrong', text: 'Go back to the application and start again.' },
  invalid_email: { title: 'That is not an e-mail address', text: 'Check the spelling.' },
  last_identity: { title: 'This is your only way in', text: 'Link another one first; without any you could not come back.' },
  last_owner: { title: 'A team needs an owner', text: 'Make someone else an owner first.' },
  already_member: { title: 'Already a member', text: 'That person is in the team.' },
  already_invited: { title: 'Already invited', text: 'There is an open invitation; take it back first to change it.' },
  invitation_closed: { title: 'This invitation is not open any more', text: 'Ask for a new one.' },
  key_ended: { title: 'That key has ended already', text: 'Make a new one if it is still needed.' },
  too_many_keys: { title: 'There are as many keys as there may be', text: 'End one that is not used any more, then make the new one.' },
  body_too_large: { title: 'That is too much at once', text: 'Shorten what you typed, then try again.' },
  request_timeout: { title: 'That took too long to arrive', text: 'Check your connection, then try again.' },
  unavailable: { title: 'The service cannot do that right now', text: 'Try again in a minute.' },
  // While looking a name up.
  unavailable_name: {
    title: 'The name cannot be looked up right now',
    text: 'No Ethereum endpoint of this service answers. Try again in a minute, or search by the wallet’s address.',
  },
  internal: { title: 'Something went wrong', text: 'The fault is not yours. Try again in a minute; if it happens again, tell whoever runs this service.' },
  rate_limited: { title: 'Too many attempts', text: 'Wait a little, then try again.' },
  // The app's own.
  another_person: {
    title: 'Somebody else is signed in by now',
    text: 'Nothing was saved: in another window of this browser somebody else has signed in. This page shows their account now.',
  },
  offline: { title: 'The service does not answer', text: 'Check your connection, then try again.' },
  unexpected_answer: { title: 'Something went wrong', text: 'The service gave an unexpected answer. Try again in a minute.' },
  unknown: { title: 'That did not work', text: 'Nothing was changed. Try again, or choose another way in.' },
  link_stale: {
    title: 'This link does not work here',
    text: 'It was used already, has expired, or was asked for in another browser. If the mail is new, open the link or type the code in that browser; otherwise ask for a new mail.',
  },
  code_stale: {
    title: 'That code does not work',
    text: 'Check the six digits. A code works once, for a short time and for a few attempts; if it is the right one, ask for a new mail.',
  },
  recovery_stale: { title: 'That code does not work', text: 'Check the spelling. Each recovery code works once, and making new ones makes the old ones worthless.' },
} as const
