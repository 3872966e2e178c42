// The real package is a dialog with hundreds of dependencies of its own. The
// provider asks for it only with showQrModal, which this app turns off.
export function createAppKit() {
  throw new Error('the dialog of WalletConnect is not part of this app')
}
