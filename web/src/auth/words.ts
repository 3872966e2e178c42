import { isProblem, OFFLINE, type Problem, UNEXPECTED } from '../api/problem'
import { Declined, WalletFault } from '../wallet/types'

// Words says what happened and what to do about it.
export interface Words {
  title: string
  text: string
}

const words: Record<string, Words> = {
  identity_taken: {
    title: 'This way in belongs to another account',
    text: 'Nothing was changed. If that account is yours, sign out and sign in with this way in to use it; otherwise link a different one here.',
  },
  email_taken: {
    title: 'There is an account with this e-mail address already',
    text: 'Sign in the way you did before, then link this one on your account page.',
  },
  identity_mismatch: {
    title: 'That is not a way into this account',
    text: 'To confirm that it is you, use one of the ways in listed on your account page.',
  },
  reauth_required: {
    title: 'Please confirm that it is you',
    text: 'It has been a while since you signed in. Confirm with any way in you have, then do this again.',
  },
  access_denied: { title: 'You cancelled at the provider', text: 'Nothing was changed. Try again, or choose another way in.' },
  invalid_state: {
    title: 'That sign-in is no longer valid',
    text: 'It took too long, was used already, or began in another browser. Start again here.',
  },
  invalid_proof: { title: 'The answer could not be verified', text: 'Nothing was changed. Start again here.' },
  proof_used: { title: 'That answer was used already', text: 'Each one works once. Start again here.' },
  provider_unavailable: {
    title: 'The provider cannot be reached right now',
    text: 'The fault is not yours. Try again in a minute, or choose another way in.',
  },
  provider_failed: {
    title: 'The provider refused the request',
    text: 'Choose another way in. If this keeps happening, tell whoever runs this service.',
  },
  provider_not_configured: {
    title: 'This service does not offer that way in',
    text: 'Choose one of those shown here.',
  },
  user_disabled: {
    title: 'This account is disabled',
    text: 'Ask whoever runs this service to enable it again.',
  },
  unauthenticated: { title: 'You are not signed in any more', text: 'The session ended here or was ended elsewhere. Sign in again.' },
  forbidden: { title: 'Your role does not allow this', text: 'Ask an owner or admin of the team.' },
  operator_required: { title: 'Only operators can see this', text: 'Ask whoever runs this service to make you one.' },
  not_found: { title: 'There is nothing here', text: 'It was removed, or it is not yours to see.' },
  invalid_return_to: { title: 'The link that brought you here is wrong', text: 'Go back to the application and start again.' },
  invalid_email: { title: 'That is not an e-mail address', text: 'Check the spelling.' },
  last_identity: { title: 'This is your only way in', text: 'Link another one first; without any you could not come back.' },
  last_owner: { title: 'A team needs an owner', text: 'Make someone else an owner first.' },
  already_member: { title: 'Already a member', text: 'That person is in the team.' },
  already_invited: { title: 'Already invited', text: 'There is an open invitation; take it back first to change it.' },
  invitation_closed: { title: 'This invitation is not open any more', text: 'Ask for a new one.' },
  unavailable: { title: 'The service cannot do that right now', text: 'Try again in a minute.' },
  rate_limited: { title: 'Too many attempts', text: 'Wait a little, then try again.' },
  [OFFLINE]: { title: 'The service does not answer', text: 'Check your connection, then try again.' },
  [UNEXPECTED]: { title: 'Something went wrong', text: 'The service gave an unexpected answer. Try again in a minute.' },
}

// While linking, "sign in the way you did before" would be no help: the person
// is signed in.
const linking: Record<string, Words> = {
  email_taken: {
    title: 'The e-mail address of that account belongs to someone else here',
    text: 'Nothing was changed. If that other account is yours, sign out and sign in to it instead; otherwise link a different one.',
  },
}

// wordsForCode speaks for a code alone, as it comes back in an address. The code
// is anyone's to write there, so an unknown one is not repeated.
export function wordsForCode(code: string, purpose?: 'link'): Words {
  if (purpose === 'link' && Object.hasOwn(linking, code)) return linking[code]!
  if (Object.hasOwn(words, code)) return words[code]!
  return { title: 'That did not work', text: 'Nothing was changed. Try again, or choose another way in.' }
}

function seconds(problem: Problem): string {
  return problem.retryAfter === undefined ? '' : ` It may work again in ${problem.retryAfter} seconds.`
}

// wordsForError speaks for whatever was thrown; undefined for a person who said
// no in the wallet, which needs no words.
export function wordsForError(error: unknown, purpose?: 'link'): Words | undefined {
  if (error instanceof Declined) return undefined
  if (error instanceof WalletFault) return { title: 'The wallet did not answer as expected', text: error.message }
  if (!isProblem(error)) return words[UNEXPECTED]
  if (Object.hasOwn(words, error.code)) {
    const known = wordsForCode(error.code, purpose)
    return { ...known, text: known.text + seconds(error) }
  }
  return { title: 'That did not work', text: `The service says: ${error.message}.` + seconds(error) }
}
