import { createClient, LatchkeyError } from '@latchkey/client'
import { createLatchkeySIWX } from '@latchkey/wallet/appkit'

const client = createClient({ baseUrl: 'https://auth.example.com' })

// createAppKit({ ..., siwx })
export const siwx = createLatchkeySIWX({
  client,
  onError: (error) => error instanceof LatchkeyError && console.warn(error.code, error.message),
})
