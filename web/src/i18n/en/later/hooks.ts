import { hooks } from '../hooks'
import { add } from './add'

add({ hooks })
