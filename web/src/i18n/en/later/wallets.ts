import { wallets } from '../wallets'
import { add } from './add'

add({ wallets })
