import type { Translate } from '../../i18n/translate'
import '../../i18n/en/later/operator'

// checked names a check. One that this version of the app does not know keeps its
// own name.
export function checked(t: Translate, name: string): string {
  if (name === 'database') return t('operator.healthDatabase')
  const chain = /^ethereum_rpc_(\d+)$/.exec(name)?.[1]
  return chain ? t('operator.healthChain', { chain }) : name
}

export function resultWords(t: Translate, result: string): string {
  if (result === 'ok') return t('operator.healthOk')
  if (result.startsWith('down: contract wallets')) return t('operator.healthChainDown')
  const some = /^(\d+) of (\d+) endpoints answer$/.exec(result)
  return some ? t('operator.healthSome', { up: some[1]!, all: some[2]! }) : result
}
