import type { Area } from '../translate'

export const wallets: Area<'wallets'> = {
  networkTitle: 'Die Signatur wurde nicht angenommen',
  networkText: 'Ist es eine Contract-Wallet, kann sie sich nur auf {chains} anmelden. Wechseln Sie darin zu einem dieser Netzwerke und versuchen Sie es noch einmal.',
  solana: 'Solana-Wallets',
  solanaNone: 'In diesem Browser wurde keine Solana-Wallet gefunden. Installieren Sie eine, oder öffnen Sie diese Seite im Browser Ihrer Wallet.',
  solanaTest: 'Solana-Test-Wallets',
  solanaMake: 'Solana-Test-Wallet erstellen',
}
