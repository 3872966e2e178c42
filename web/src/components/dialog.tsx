import { Modal, type ModalProps } from '@mantine/core'
import { useT } from '../i18n/language'

// Dialog is Mantine's, in the middle and with a button to close it that speaks.
export function Dialog(props: ModalProps) {
  const t = useT()
  return <Modal centered closeButtonProps={{ 'aria-label': t('common.close') }} {...props} />
}
