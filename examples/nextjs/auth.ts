import { Latchkey } from '@latchkey/next'

export const { auth, handlers, signIn, signOut, proxy, getAccessToken } = Latchkey({
  protect: ['/dashboard(.*)', '/signup'],
  onboarding: '/signup',
  resource: process.env.LATCHKEY_AUDIENCE, // of the API that access tokens are for
})
