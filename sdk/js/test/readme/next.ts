import { Latchkey } from '@latchkey/next'

export const { auth, handlers, signIn, signOut, proxy, getAccessToken } = Latchkey({
  protect: ['/dashboard(.*)'],
})
