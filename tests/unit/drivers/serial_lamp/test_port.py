import errno
import termios

import pytest
from serial import SerialException
from serial.tools.list_ports_common import ListPortInfo

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.serial_lamp.options import SerialOptions
from drivers.serial_lamp.port import _refused, find


def usb(device: str, product: int, serial_number: str | None = None) -> ListPortInfo:
    port = ListPortInfo(device)
    port.vid, port.pid, port.serial_number = 0x2341, product, serial_number
    return port


BUILT_IN = ListPortInfo("/dev/ttyS0")
UNO = usb("/dev/ttyACM0", 0x0043, "7593")
OTHER_UNO = usb("/dev/ttyACM1", 0x0043, "8821")
LEONARDO = usb("/dev/ttyACM2", 0x8036)
ALL = [BUILT_IN, UNO, OTHER_UNO, LEONARDO]


@pytest.mark.parametrize(
    ("options", "device"),
    [
        ({"usb": "2341:8036"}, "/dev/ttyACM2"),
        ({"usb": "2341:0043", "usb_serial": "8821"}, "/dev/ttyACM1"),
        ({"usb_serial": "7593"}, "/dev/ttyACM0"),
    ],
)
def test_a_usb_device_is_found_by_what_is_known(options: dict[str, str], device: str) -> None:
    assert find(SerialOptions.model_validate(options), ALL) == device


def test_a_vendor_alone_will_do_where_it_has_one_device() -> None:
    assert find(SerialOptions(usb="2341"), [BUILT_IN, UNO]) == "/dev/ttyACM0"


def test_a_device_that_is_not_plugged_in_is_waited_for() -> None:
    with pytest.raises(LightUnreachableError, match="2341:0043 is plugged in"):
        find(SerialOptions(usb="2341:0043"), [BUILT_IN, LEONARDO])


def test_two_of_a_kind_need_a_person() -> None:
    with pytest.raises(LightRefusedError, match=r"ttyACM0 \(7593\), /dev/ttyACM1 \(8821\)"):
        find(SerialOptions(usb="2341:0043"), ALL)


def configured(number: int) -> SerialException:
    """As pyserial puts the number of a ``termios.error`` into its text."""
    try:
        try:
            raise termios.error(number, "text")
        except termios.error as error:
            raise SerialException(f"Could not configure port: {error}")  # noqa: B904 - as it does
    except SerialException as error:
        return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (SerialException(errno.ENOENT, "x"), "is not there"),
        (SerialException(errno.ENXIO, "x"), "is not there"),
        (configured(errno.EIO), "is not there"),
        (SerialException(errno.EAGAIN, "x"), "another program"),
        (SerialException(errno.EBUSY, "x"), "another program"),
    ],
)
def test_what_may_pass_is_retried(error: Exception, says: str) -> None:
    translated = _refused("/dev/x", error)
    assert isinstance(translated, LightUnreachableError)
    assert says in str(translated)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (SerialException(errno.EACCES, "x"), "dialout"),
        (SerialException(errno.EISDIR, "x"), "list_ports"),
        (configured(errno.ENOTTY), "list_ports"),
        (SerialException("something new"), "something new"),
    ],
)
def test_what_stays_is_a_persons_job(error: Exception, says: str) -> None:
    translated = _refused("/dev/x", error)
    assert isinstance(translated, LightRefusedError)
    assert says in str(translated)
