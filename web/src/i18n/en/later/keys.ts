import { keys } from '../keys'
import { add } from './add'

add({ keys })
