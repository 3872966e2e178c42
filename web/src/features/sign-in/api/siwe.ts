import { type Api, data } from '../../../api/client'
import type { ProofResult, Provider, Purpose } from '../../../api/types'
import { forTicket } from '../../../auth/link-ticket'
import { type Wallet, WalletFault } from '../../../wallet/types'

// acceptedChain is the wallet's chain if this deployment accepts it. Otherwise
// the service chooses: an ordinary account has the same key on every chain.
async function acceptedChain(wallet: Wallet, accepted: Provider['chain_ids']): Promise<number | undefined> {
  try {
    const chain = await wallet.chainId?.()
    return chain !== undefined && accepted?.includes(chain) ? chain : undefined
  } catch {
    return undefined
  }
}

// proveWallet has the wallet sign the service's own message and hands it back,
// byte for byte. The purpose was fixed by the challenge.
export async function proveWallet(api: Api, request: { wallet: Wallet; address: string; purpose: Purpose; chainIds?: Provider['chain_ids'] }): Promise<ProofResult> {
  const { wallet, address, purpose } = request
  const chain = await acceptedChain(wallet, request.chainIds)
  const challenge = await data(
    api.POST('/v1/auth/siwe/challenge', {
      // Wallets differ in spelling, and a wrong checksum would be refused; all
      // lower case claims none.
      body: { address: address.toLowerCase(), purpose, ...(chain === undefined ? {} : { chain_id: chain }) },
    }),
  )
  if (challenge.message === undefined) throw new WalletFault('NoMessage')
  const signature = await wallet.sign(challenge.message, address)
  return data(api.POST('/v1/auth/siwe/verify', { body: { message: challenge.message, signature, delivery: 'cookie', ...(purpose === 'sign_in' && forTicket()) } }))
}
