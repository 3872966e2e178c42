export const wallets = {
  networkTitle: 'The signature was not accepted',
  networkText: 'If this is a contract wallet, it can sign in on {chains} only. Switch it to one of these networks, then try again.',
  solana: 'Solana wallets',
  solanaNone: 'No Solana wallet found in this browser. Install one, or open this page in your wallet’s browser.',
  solanaTest: 'Solana test wallets',
  solanaMake: 'Create Solana test wallet',
} as const
