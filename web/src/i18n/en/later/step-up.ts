import { docs, stepUp } from '../step-up'
import { add } from './add'

add({ docs, stepUp })
