import { history } from '../history'
import { add } from './add'

add({ history })
