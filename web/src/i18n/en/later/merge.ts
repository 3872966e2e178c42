import { merge } from '../merge'
import { add } from './add'

add({ merge })
