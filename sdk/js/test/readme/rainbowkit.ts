import { createClient } from '@latchkey/client'
import { createLatchkeyAdapter } from '@latchkey/wallet/rainbowkit'

const client = createClient({ baseUrl: 'https://auth.example.com' })

// <RainbowKitAuthenticationProvider adapter={adapter} status={...}>
export const adapter = createLatchkeyAdapter({ client, onSignIn: ({ user }) => console.log(`signed in as ${user.id}`) })
