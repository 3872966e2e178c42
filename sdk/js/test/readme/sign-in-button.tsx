import { createClient } from '@latchkey/client'
import { useLatchkeySignIn } from '@latchkey/wallet/wagmi'

const client = createClient({ baseUrl: 'https://auth.example.com' })

export function LinkWallet() {
  const { signIn, isPending, error } = useLatchkeySignIn({ client, purpose: 'link' })
  return (
    <button type="button" disabled={isPending} onClick={() => signIn().catch(() => undefined)}>
      {error ? `Try again: ${error.message}` : 'Link this wallet'}
    </button>
  )
}
