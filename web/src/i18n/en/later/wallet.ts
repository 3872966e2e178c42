import { wallet } from '../wallet'
import { add } from './add'

add({ wallet })
