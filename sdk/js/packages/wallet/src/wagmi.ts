'use client'

import { type Client, createClient, type ProofResult, type Purpose } from '@latchkey/client'
import { useCallback, useRef, useState } from 'react'
import { type Config, useConfig } from 'wagmi'
import { signMessage } from 'wagmi/actions'
import { messageFor } from './message.js'

export interface UseLatchkeySignInOptions {
  /** `link` adds the wallet to the account that is signed in, `step_up` verifies them again. The default is to sign in. */
  purpose?: Purpose
  /** The default is the service at the origin of the page. */
  client?: Client
}

export interface LatchkeySignIn {
  /** signIn asks the connected wallet for a signature. It throws what the wallet throws, or a LatchkeyError. */
  signIn(): Promise<ProofResult>
  isPending: boolean
  data: ProofResult | undefined
  error: Error | undefined
}

let here: Client | undefined

/** signInWithWagmi asks the wallet that wagmi has connected for a signature. It throws what the wallet throws, or a LatchkeyError. */
export async function signInWithWagmi(config: Config, { purpose, client }: UseLatchkeySignInOptions = {}): Promise<ProofResult> {
  const { current, connections } = config.state
  const connection = current === null ? undefined : connections.get(current)
  if (!connection) throw new Error('no wallet is connected')
  if (!client) client = here ??= createClient()
  const { connector, chainId } = connection
  const account = connection.accounts[0]
  const { message } = await messageFor({ client, purpose }, account, chainId)
  const signature = await signMessage(config, { connector, account, message })
  return client.siwe.verify({ message, signature })
}

/** useLatchkeySignIn signs in at Latchkey with the wallet that wagmi has connected. */
export function useLatchkeySignIn({ purpose, client }: UseLatchkeySignInOptions = {}): LatchkeySignIn {
  const config = useConfig()
  const [state, setState] = useState<{ isPending: boolean; data?: ProofResult; error?: Error }>({ isPending: false })
  const pending = useRef<Promise<ProofResult> | undefined>(undefined)

  const signIn = useCallback((): Promise<ProofResult> => {
    // A second click does not ask the wallet twice.
    if (pending.current) return pending.current
    setState({ isPending: true })
    const started = signInWithWagmi(config, { ...(purpose ? { purpose } : {}), ...(client ? { client } : {}) })
      .then(
        (data) => {
          setState({ isPending: false, data })
          return data
        },
        (thrown: unknown) => {
          const error = thrown instanceof Error ? thrown : new Error(String(thrown))
          setState({ isPending: false, error })
          throw error
        },
      )
      .finally(() => {
        pending.current = undefined
      })
    pending.current = started
    return started
  }, [config, client, purpose])

  return { signIn, isPending: state.isPending, data: state.data, error: state.error }
}
