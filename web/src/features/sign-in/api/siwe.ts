import { type Api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import type { ProofResult, Provider, Purpose } from '../../../api/types'
import { forTicket } from '../../../auth/link-ticket'
import { type Wallet, WalletFault } from '../../../wallet/types'

// WrongNetwork is a wallet on a network where this service asks no contract.
export class WrongNetwork extends Error {
  readonly accepted: string[]

  constructor(accepted: string[]) {
    super('the wallet is on another network')
    this.name = 'WrongNetwork'
    this.accepted = accepted
  }
}

async function chainOf(wallet: Wallet): Promise<number | undefined> {
  try {
    return await wallet.chainId?.()
  } catch {
    return undefined
  }
}

// A contract wallet is only asked on the chain it is on. Where that is none of those on
// which this deployment asks, the person has to know which are.
function explained(error: unknown, chain: number | undefined, chains: Provider['chains']): unknown {
  const asked = chains?.filter(({ contracts }) => contracts)
  const notSigned = isProblem(error) && error.field === 'signature' && (error.code === 'invalid_proof' || error.code === 'invalid_message')
  return notSigned && chain !== undefined && asked?.length && asked.every(({ id }) => id !== chain) ? new WrongNetwork(asked.map(({ name }) => name)) : error
}

interface Request {
  wallet: Wallet
  address: string
  purpose: Purpose
  chains?: Provider['chains']
  /** The chain to sign in on, for a contract wallet; that of the wallet, if it is not said. */
  chain?: number | undefined
}

// proveWallet has the wallet sign the service's own message and hands it back,
// byte for byte. The purpose was fixed by the challenge.
export async function proveWallet(api: Api, request: Request): Promise<ProofResult> {
  const { wallet, address, purpose, chains } = request
  const own = request.chain ?? (await chainOf(wallet))
  // Elsewhere the service chooses: an ordinary account has the same key on every chain.
  const chain = chains?.some(({ id }) => id === own) ? own : undefined
  const challenge = await data(
    api.POST('/v1/auth/siwe/challenge', {
      // Wallets differ in spelling, and a wrong checksum would be refused; all
      // lower case claims none.
      body: { address: address.toLowerCase(), purpose, ...(chain === undefined ? {} : { chain_id: chain }) },
    }),
  )
  if (challenge.message === undefined) throw new WalletFault('NoMessage')
  const signature = await wallet.sign(challenge.message, address, challenge.expires_at)
  try {
    return await data(api.POST('/v1/auth/siwe/verify', { body: { message: challenge.message, signature, delivery: 'cookie', ...(purpose === 'sign_in' && forTicket()) } }))
  } catch (error) {
    throw explained(error, own, chains)
  }
}
