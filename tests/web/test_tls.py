"""The page over https: it connects by wss."""

import talking
from conftest import PAGE, QUICK
from parley_tls import Certificate


def test_two_people_write_to_each_other(make_stack, new_tab, tmp_path):
    stack = make_stack(**PAGE, **QUICK, **Certificate(tmp_path / "tls").settings())
    (anna, _), (ben, _) = talking.pair(new_tab, stack)
    assert anna.run("return location.protocol") == "https:"
    for writer, reader, text in ((anna, ben, "over wss"), (ben, anna, "and back")):
        talking.write(writer, text)
        talking.sees(reader, text)
