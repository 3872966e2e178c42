import { operator } from '../operator'
import { add } from './add'

add({ operator })
