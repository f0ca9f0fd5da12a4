"""What an author writes to declare an entity, and what opencrm reads from it.

    class Base(Entity, prefix="invoicing"):
        \"\"\"Every entity of this plugin.\"\"\"

    class Invoice(Owned, Base):
        \"\"\"A demand for payment.\"\"\"

        number: Mapped[str] = field(Text(50, folded=True), required=True)
        deal_id: Mapped[str | None] = field(Reference(Deal))

Each base has its own registry and MetaData, so that two plugins may both say `Invoice`, and a relationship that
cannot be resolved in one of them breaks nothing outside it.
"""

from opencrm.core.entity.declaring import CORE, NAMES, Entity, complete, specs
from opencrm.core.entity.indexes import leads
from opencrm.core.entity.options import Derive, Options, Rule
from opencrm.core.entity.spec import Spec

__all__ = ["CORE", "NAMES", "Derive", "Entity", "Options", "Rule", "Spec", "complete", "leads", "specs"]
