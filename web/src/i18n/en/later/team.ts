import { policy, team } from '../team'
import { add } from './add'

add({ policy, team })
