import { filters, sessions } from '../sessions'
import { add } from './add'

add({ filters, sessions })
