export const stepUp = {
  title: 'Verify it’s you',
  text: 'You signed in a while ago, and this needs a recent verification. Use any of your sign-in methods.',
  textOnly: 'Verify once more with this method. You stay signed in.',
  with: 'Verify with {provider}',
  byEmail: 'Verify by email',
  byPasskey: 'Verify with a passkey',
  none: 'None of your sign-in methods is available right now. Try again later.',
} as const

export const docs = {
  title: 'API',
  from: 'Made from {file}. What you try out here acts as the person signed in in this browser.',
} as const
