import { type Api, data } from '../../../api/client'
import type { ProofResult, Purpose } from '../../../api/types'
import { forTicket } from '../../../auth/link-ticket'
import type { Challenge, SolanaWallet } from '../../../wallet/solana'

// proveSolana has the wallet sign a challenge of the service and hands back what it
// signed. The purpose was fixed by the challenge.
export async function proveSolana(api: Api, { wallet, purpose }: { wallet: SolanaWallet; purpose: Purpose }): Promise<ProofResult> {
  const challenge = async (address?: string) => (await data(api.POST('/v1/auth/solana/challenge', { body: { purpose, ...(address && { address }) } }))) as unknown as Challenge
  const signed = await wallet.sign(challenge)
  return data(api.POST('/v1/auth/solana/verify', { body: { ...signed, delivery: 'cookie', ...(purpose === 'sign_in' && forTicket()) } }))
}
