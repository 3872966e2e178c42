import { home } from '../home'
import { add } from './add'

add({ home })
