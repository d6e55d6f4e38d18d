"""A method for each operation of the API.

``tools/make_client.py`` wrote this file from the API's document. Do not edit it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from padron_client import _table as table
from padron_client._async.pages import AsyncPages
from padron_client.calls import CallOptions

if TYPE_CHECKING:
    from padron_client import models
    from padron_client._async.transport import AsyncDownload, AsyncEvents, AsyncTransport
    from padron_client.records import Done


class AsyncOperations:
    """All operations of the API, by their names."""

    _transport: AsyncTransport

    async def set_vehicle_status(
        self, vin: str, body: models.StatusBody, *, if_match: str | None = None, options: CallOptions | None = None
    ) -> models.PlannedChangeShape | Done:
        """Set a vehicle's status.

        Sets the status of a vehicle. When the answer is 204, the change is durable and in
        force. Any status except Active (1) takes the vehicle out of every operation. The same
        status again is also 204, and nothing happens: no history, no new revision. With
        `effectiveAt`, the change is planned (202), and nothing changes before that instant.
        With `until`, the earlier status is restored at that instant, unless somebody sets
        another one first. Query parameters are ignored. Needs the scope `vehicles:status`.
        """
        answer: models.PlannedChangeShape | Done = await self._transport.send(
            table.SET_VEHICLE_STATUS, path={"vin": vin}, headers={"If-Match": if_match}, body=body, options=options
        )
        return answer

    async def get_vehicle_status(
        self, vin: str, *, if_none_match: str | None = None, options: CallOptions | None = None
    ) -> models.VehicleStatusShape:
        """Read a vehicle's status.

        Gives the vehicle's status, its instant, its author (the id of an API key) and its
        reason. Needs the scope `vehicles:read`.
        """
        answer: models.VehicleStatusShape = await self._transport.send(
            table.GET_VEHICLE_STATUS, path={"vin": vin}, headers={"If-None-Match": if_none_match}, options=options
        )
        return answer

    async def list_vehicle_statuses(self, *, options: CallOptions | None = None) -> models.StatusNameList:
        """List the vehicle statuses.

        The statuses with their names in English and Spanish. Any valid key may ask.
        """
        answer: models.StatusNameList = await self._transport.send(table.LIST_VEHICLE_STATUSES, options=options)
        return answer

    async def set_vehicle_statuses(
        self, body: models.BulkStatusBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.BulkAnswerList:
        """Set many vehicles' statuses.

        Sets the statuses of 1 to 1,000 vehicles in one transaction. The body may have at most
        1,000,000 bytes. Each vehicle gets its own answer, in order, as from the single call:
        204 and its revision, 202 and the planned change, or the problem. With the `mode` `all`,
        one refused vehicle refuses the whole request: the answer is 409 `BatchRefused` with all
        answers in its member `results`, and nothing is changed. With `dryRun` nothing is
        changed, and the answer is the same. Query parameters are ignored. Needs the scope
        `vehicles:status` and `vehicles:bulk`.
        """
        answer: models.BulkAnswerList = await self._transport.send(
            table.SET_VEHICLE_STATUSES, headers={"Idempotency-Key": idempotency_key}, body=body, options=options
        )
        return answer

    async def undo_request(
        self,
        request_id: str,
        body: models.UndoBody | None = None,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.UndoAnswerList:
        """Take back what a request changed.

        Gives each vehicle that the request changed its earlier status and core data. A vehicle
        that another request changed later is left as it is, and the answer gives the reason.
        Pending planned changes of the request are cancelled. Registrations are not undone. The
        undo is a change like any other, in the history and in the feed, and can be undone too.
        A deletion can be undone for 30 days. A request with more than 10,000 changes cannot be
        undone. Query parameters are ignored. Needs the scope `vehicles:status` or
        `vehicles:write` or `vehicles:repair` or `vehicles:delete`, depending on the kind of
        change.
        """
        answer: models.UndoAnswerList = await self._transport.send(
            table.UNDO_REQUEST,
            path={"requestId": request_id},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    def export_vehicles(
        self,
        *,
        q: str | None = None,
        asset_status_id: int | Sequence[int] | None = None,
        operational: bool | None = None,
        vin: str | Sequence[str] | None = None,
        custom_id: str | Sequence[str] | None = None,
        plate: str | Sequence[str] | None = None,
        state_id: int | Sequence[int] | None = None,
        rfc_name: str | Sequence[str] | None = None,
        tax_identifier: str | Sequence[str] | None = None,
        lessor_name: str | Sequence[str] | None = None,
        brand_name: str | Sequence[str] | None = None,
        model_name: str | Sequence[str] | None = None,
        country: str | Sequence[str] | None = None,
        class_: str | Sequence[str] | None = None,
        type: str | Sequence[str] | None = None,
        doors: int | Sequence[int] | None = None,
        variation: str | Sequence[str] | None = None,
        cilinders: str | Sequence[str] | None = None,
        axes: str | Sequence[str] | None = None,
        vehicle_color: str | Sequence[str] | None = None,
        version: str | Sequence[str] | None = None,
        assembly_place: str | Sequence[str] | None = None,
        supplementary_data: str | Sequence[str] | None = None,
        registration_institution: str | Sequence[str] | None = None,
        plate_entity: str | Sequence[str] | None = None,
        registration_sheet: str | Sequence[str] | None = None,
        observations: str | Sequence[str] | None = None,
        owner_name: str | Sequence[str] | None = None,
        sort: str | None = None,
        lang: Literal["en", "es"] | None = None,
        status_names: bool | None = None,
        options: CallOptions | None = None,
    ) -> AsyncDownload:
        """Export vehicles as CSV.

        All vehicles that match the filters, as one file: vin, vehicleStatusId, every field, and
        the revision. The server sends the file while it reads the vehicles, so each row shows
        its vehicle at the instant of its reading. Without sort, a vehicle that exists during
        the whole export is in the file exactly once. You can edit the file and import it again.
        Text that a spreadsheet program could see as a formula (the whole text, or a part after
        a comma, a semicolon or a line end) has a ' before it. An import removes it. If the
        server cannot complete the answer, the connection breaks, so that a part never looks
        complete. Needs the scope `vehicles:read`.
        """
        return self._transport.download(
            table.EXPORT_VEHICLES,
            query={
                "q": q,
                "assetStatusId": asset_status_id,
                "operational": operational,
                "vin": vin,
                "customId": custom_id,
                "plate": plate,
                "stateId": state_id,
                "rfcName": rfc_name,
                "taxIdentifier": tax_identifier,
                "lessorName": lessor_name,
                "brandName": brand_name,
                "modelName": model_name,
                "country": country,
                "class": class_,
                "type": type,
                "doors": doors,
                "variation": variation,
                "cilinders": cilinders,
                "axes": axes,
                "vehicleColor": vehicle_color,
                "version": version,
                "assemblyPlace": assembly_place,
                "supplementaryData": supplementary_data,
                "registrationInstitution": registration_institution,
                "plateEntity": plate_entity,
                "registrationSheet": registration_sheet,
                "observations": observations,
                "ownerName": owner_name,
                "sort": sort,
                "lang": lang,
                "statusNames": status_names,
            },
            options=options,
        )

    async def count_vehicles(
        self,
        *,
        q: str | None = None,
        asset_status_id: int | Sequence[int] | None = None,
        operational: bool | None = None,
        vin: str | Sequence[str] | None = None,
        custom_id: str | Sequence[str] | None = None,
        plate: str | Sequence[str] | None = None,
        state_id: int | Sequence[int] | None = None,
        rfc_name: str | Sequence[str] | None = None,
        tax_identifier: str | Sequence[str] | None = None,
        lessor_name: str | Sequence[str] | None = None,
        brand_name: str | Sequence[str] | None = None,
        model_name: str | Sequence[str] | None = None,
        country: str | Sequence[str] | None = None,
        class_: str | Sequence[str] | None = None,
        type: str | Sequence[str] | None = None,
        doors: int | Sequence[int] | None = None,
        variation: str | Sequence[str] | None = None,
        cilinders: str | Sequence[str] | None = None,
        axes: str | Sequence[str] | None = None,
        vehicle_color: str | Sequence[str] | None = None,
        version: str | Sequence[str] | None = None,
        assembly_place: str | Sequence[str] | None = None,
        supplementary_data: str | Sequence[str] | None = None,
        registration_institution: str | Sequence[str] | None = None,
        plate_entity: str | Sequence[str] | None = None,
        registration_sheet: str | Sequence[str] | None = None,
        observations: str | Sequence[str] | None = None,
        owner_name: str | Sequence[str] | None = None,
        exact: bool | None = None,
        options: CallOptions | None = None,
    ) -> models.VehicleCountShape:
        """Count vehicles.

        How many vehicles the list with the same filters has. The answer takes no longer than a
        page of the list. If many vehicles match, count is the least that there are, and exact
        is false: show it as "more than 10,000". With exact=true all of them are counted, which
        may take some seconds. Needs the scope `vehicles:read`.
        """
        answer: models.VehicleCountShape = await self._transport.send(
            table.COUNT_VEHICLES,
            query={
                "q": q,
                "assetStatusId": asset_status_id,
                "operational": operational,
                "vin": vin,
                "customId": custom_id,
                "plate": plate,
                "stateId": state_id,
                "rfcName": rfc_name,
                "taxIdentifier": tax_identifier,
                "lessorName": lessor_name,
                "brandName": brand_name,
                "modelName": model_name,
                "country": country,
                "class": class_,
                "type": type,
                "doors": doors,
                "variation": variation,
                "cilinders": cilinders,
                "axes": axes,
                "vehicleColor": vehicle_color,
                "version": version,
                "assemblyPlace": assembly_place,
                "supplementaryData": supplementary_data,
                "registrationInstitution": registration_institution,
                "plateEntity": plate_entity,
                "registrationSheet": registration_sheet,
                "observations": observations,
                "ownerName": owner_name,
                "exact": exact,
            },
            options=options,
        )
        return answer

    async def list_planned_changes(
        self,
        *,
        vin: str | None = None,
        state: Literal["pending", "executed", "cancelled", "lapsed", "refused"] | None = None,
        request_id: str | None = None,
        sort: Literal["effectiveAt", "-effectiveAt"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> models.PlannedChangeList:
        """List planned changes.

        All planned changes and their results, in the order of their instants. They are never
        removed. With `requestId`, as in the history: only the changes that this request
        planned. Needs the scope `vehicles:read`.
        """
        answer: models.PlannedChangeList = await self._transport.send(
            table.LIST_PLANNED_CHANGES,
            query={"vin": vin, "state": state, "requestId": request_id, "sort": sort, "limit": limit, "cursor": cursor},
            options=options,
        )
        return answer

    def iterate_planned_changes(
        self,
        *,
        vin: str | None = None,
        state: Literal["pending", "executed", "cancelled", "lapsed", "refused"] | None = None,
        request_id: str | None = None,
        sort: Literal["effectiveAt", "-effectiveAt"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.PlannedChangeList, models.PlannedChangeShape]:
        """Go through all pages of list_planned_changes(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.PlannedChangeList:
            return await self.list_planned_changes(
                vin=vin, state=state, request_id=request_id, sort=sort, limit=limit, cursor=cursor_now, options=options
            )

        return AsyncPages(turn, "planned_changes", cursor)

    async def get_planned_change(
        self, plan_id: str, *, options: CallOptions | None = None
    ) -> models.PlannedChangeShape:
        """Read a planned change.

        Gives a planned change, in any state. Needs the scope `vehicles:read`.
        """
        answer: models.PlannedChangeShape = await self._transport.send(
            table.GET_PLANNED_CHANGE, path={"planId": plan_id}, options=options
        )
        return answer

    async def cancel_planned_change(self, plan_id: str, *, options: CallOptions | None = None) -> Done:
        """Cancel a planned change.

        Cancels a pending change. It stays in the list, with the author of the cancellation.
        After the answer 204 it will not happen. The answer 409 means that it had already ended.
        Needs the scope `vehicles:status`.
        """
        answer: Done = await self._transport.send(
            table.CANCEL_PLANNED_CHANGE, path={"planId": plan_id}, options=options
        )
        return answer

    async def upsert_vehicle_info(
        self,
        body: models.UpsertBody,
        *,
        if_match: str | None = None,
        if_none_match: Literal["*"] | None = None,
        options: CallOptions | None = None,
    ) -> models.UpsertedVehicle:
        """Register or update a vehicle by its VIN or its plate.

        If the VIN is known, its vehicle is updated, including the plate. If only the plate is
        known, its vehicle gets the new VIN. If both are unknown, a new vehicle is registered,
        which is Active. A missing member keeps its value, and "" removes it. Query parameters
        are ignored. Needs the scope `vehicles:write`.
        """
        answer: models.UpsertedVehicle = await self._transport.send(
            table.UPSERT_VEHICLE_INFO,
            headers={"If-Match": if_match, "If-None-Match": if_none_match},
            body=body,
            options=options,
        )
        return answer

    async def put_vehicle(
        self,
        vin: str,
        body: models.VehicleBody,
        *,
        if_match: str | None = None,
        if_none_match: Literal["*"] | None = None,
        options: CallOptions | None = None,
    ) -> models.Vehicle:
        """Register or update a vehicle by its VIN.

        Only the VIN is the identity. A new vehicle is Active. A missing member keeps its value,
        and "" removes it. A PUT that changes no value does nothing. Former values are kept as a
        version with status id 2. With If-None-Match: *, the call only registers. Query
        parameters are ignored. Needs the scope `vehicles:write`.
        """
        answer: models.Vehicle = await self._transport.send(
            table.PUT_VEHICLE,
            path={"vin": vin},
            headers={"If-Match": if_match, "If-None-Match": if_none_match},
            body=body,
            options=options,
        )
        return answer

    async def get_vehicle(
        self,
        vin: str,
        *,
        as_of: datetime | None = None,
        if_none_match: str | None = None,
        options: CallOptions | None = None,
    ) -> models.Vehicle:
        """Read a vehicle.

        Gives the vehicle's status and all its values. With asOf, it gives the status and values
        of that instant, including the VIN, and no ETag. An unknown query parameter is refused.
        Needs the scope `vehicles:read`.
        """
        answer: models.Vehicle = await self._transport.send(
            table.GET_VEHICLE,
            path={"vin": vin},
            query={"asOf": as_of},
            headers={"If-None-Match": if_none_match},
            options=options,
        )
        return answer

    async def delete_vehicle(
        self, vin: str, *, if_match: str | None = None, reason: str | None = None, options: CallOptions | None = None
    ) -> models.DeletedVehicleShape:
        """Delete a vehicle that was registered by mistake.

        The vehicle is no longer in the register, and its VIN and its plate are free. Its open
        work is withdrawn and its planned changes are cancelled. Its history, with the deletion,
        is kept. For 30 days, undoRequest with the requestId of the answer brings the vehicle
        back. A vehicle that was sold or scrapped is not a mistake: set its status instead. An
        unknown query parameter is refused. Needs the scope `vehicles:delete`.
        """
        answer: models.DeletedVehicleShape = await self._transport.send(
            table.DELETE_VEHICLE,
            path={"vin": vin},
            query={"reason": reason},
            headers={"If-Match": if_match},
            options=options,
        )
        return answer

    async def list_vehicle_history(
        self,
        vin: str,
        *,
        vehicle_id: int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> models.HistoryList:
        """Read a vehicle's history.

        Every change of the vehicle, newest first: its author, instant and values. Needs the
        scope `vehicles:read`.
        """
        answer: models.HistoryList = await self._transport.send(
            table.LIST_VEHICLE_HISTORY,
            path={"vin": vin},
            query={"vehicleId": vehicle_id, "limit": limit, "cursor": cursor},
            headers={"Padron-After": padron_after},
            options=options,
        )
        return answer

    def iterate_vehicle_history(
        self,
        vin: str,
        *,
        vehicle_id: int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.HistoryList, models.HistoryShape]:
        """Go through all pages of list_vehicle_history(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.HistoryList:
            return await self.list_vehicle_history(
                vin, vehicle_id=vehicle_id, limit=limit, padron_after=padron_after, cursor=cursor_now, options=options
            )

        return AsyncPages(turn, "history", cursor)

    async def list_vehicles(
        self,
        *,
        q: str | None = None,
        asset_status_id: int | Sequence[int] | None = None,
        operational: bool | None = None,
        vin: str | Sequence[str] | None = None,
        custom_id: str | Sequence[str] | None = None,
        plate: str | Sequence[str] | None = None,
        state_id: int | Sequence[int] | None = None,
        rfc_name: str | Sequence[str] | None = None,
        tax_identifier: str | Sequence[str] | None = None,
        lessor_name: str | Sequence[str] | None = None,
        brand_name: str | Sequence[str] | None = None,
        model_name: str | Sequence[str] | None = None,
        country: str | Sequence[str] | None = None,
        class_: str | Sequence[str] | None = None,
        type: str | Sequence[str] | None = None,
        doors: int | Sequence[int] | None = None,
        variation: str | Sequence[str] | None = None,
        cilinders: str | Sequence[str] | None = None,
        axes: str | Sequence[str] | None = None,
        vehicle_color: str | Sequence[str] | None = None,
        version: str | Sequence[str] | None = None,
        assembly_place: str | Sequence[str] | None = None,
        supplementary_data: str | Sequence[str] | None = None,
        registration_institution: str | Sequence[str] | None = None,
        plate_entity: str | Sequence[str] | None = None,
        registration_sheet: str | Sequence[str] | None = None,
        observations: str | Sequence[str] | None = None,
        owner_name: str | Sequence[str] | None = None,
        as_of: datetime | None = None,
        sort: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> models.VehicleList:
        """List vehicles.

        A page of the current vehicles that match all filters, or of former versions with
        assetStatusId=2. Pages neither repeat nor skip a vehicle that stays in the list. With
        asOf, all pages show the register as it was at that instant. An unknown parameter is
        refused. Needs the scope `vehicles:read`.
        """
        answer: models.VehicleList = await self._transport.send(
            table.LIST_VEHICLES,
            query={
                "q": q,
                "assetStatusId": asset_status_id,
                "operational": operational,
                "vin": vin,
                "customId": custom_id,
                "plate": plate,
                "stateId": state_id,
                "rfcName": rfc_name,
                "taxIdentifier": tax_identifier,
                "lessorName": lessor_name,
                "brandName": brand_name,
                "modelName": model_name,
                "country": country,
                "class": class_,
                "type": type,
                "doors": doors,
                "variation": variation,
                "cilinders": cilinders,
                "axes": axes,
                "vehicleColor": vehicle_color,
                "version": version,
                "assemblyPlace": assembly_place,
                "supplementaryData": supplementary_data,
                "registrationInstitution": registration_institution,
                "plateEntity": plate_entity,
                "registrationSheet": registration_sheet,
                "observations": observations,
                "ownerName": owner_name,
                "asOf": as_of,
                "sort": sort,
                "limit": limit,
                "cursor": cursor,
            },
            headers={"Padron-After": padron_after},
            options=options,
        )
        return answer

    def iterate_vehicles(
        self,
        *,
        q: str | None = None,
        asset_status_id: int | Sequence[int] | None = None,
        operational: bool | None = None,
        vin: str | Sequence[str] | None = None,
        custom_id: str | Sequence[str] | None = None,
        plate: str | Sequence[str] | None = None,
        state_id: int | Sequence[int] | None = None,
        rfc_name: str | Sequence[str] | None = None,
        tax_identifier: str | Sequence[str] | None = None,
        lessor_name: str | Sequence[str] | None = None,
        brand_name: str | Sequence[str] | None = None,
        model_name: str | Sequence[str] | None = None,
        country: str | Sequence[str] | None = None,
        class_: str | Sequence[str] | None = None,
        type: str | Sequence[str] | None = None,
        doors: int | Sequence[int] | None = None,
        variation: str | Sequence[str] | None = None,
        cilinders: str | Sequence[str] | None = None,
        axes: str | Sequence[str] | None = None,
        vehicle_color: str | Sequence[str] | None = None,
        version: str | Sequence[str] | None = None,
        assembly_place: str | Sequence[str] | None = None,
        supplementary_data: str | Sequence[str] | None = None,
        registration_institution: str | Sequence[str] | None = None,
        plate_entity: str | Sequence[str] | None = None,
        registration_sheet: str | Sequence[str] | None = None,
        observations: str | Sequence[str] | None = None,
        owner_name: str | Sequence[str] | None = None,
        as_of: datetime | None = None,
        sort: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.VehicleList, models.Vehicle]:
        """Go through all pages of list_vehicles(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.VehicleList:
            return await self.list_vehicles(
                q=q,
                asset_status_id=asset_status_id,
                operational=operational,
                vin=vin,
                custom_id=custom_id,
                plate=plate,
                state_id=state_id,
                rfc_name=rfc_name,
                tax_identifier=tax_identifier,
                lessor_name=lessor_name,
                brand_name=brand_name,
                model_name=model_name,
                country=country,
                class_=class_,
                type=type,
                doors=doors,
                variation=variation,
                cilinders=cilinders,
                axes=axes,
                vehicle_color=vehicle_color,
                version=version,
                assembly_place=assembly_place,
                supplementary_data=supplementary_data,
                registration_institution=registration_institution,
                plate_entity=plate_entity,
                registration_sheet=registration_sheet,
                observations=observations,
                owner_name=owner_name,
                as_of=as_of,
                sort=sort,
                limit=limit,
                padron_after=padron_after,
                cursor=cursor_now,
                options=options,
            )

        return AsyncPages(turn, "vehicles", cursor)

    async def list_vehicles_v1(
        self,
        *,
        q: str | None = None,
        asset_status_id: int | Sequence[int] | None = None,
        operational: bool | None = None,
        vin: str | Sequence[str] | None = None,
        custom_id: str | Sequence[str] | None = None,
        plate: str | Sequence[str] | None = None,
        state_id: int | Sequence[int] | None = None,
        rfc_name: str | Sequence[str] | None = None,
        tax_identifier: str | Sequence[str] | None = None,
        lessor_name: str | Sequence[str] | None = None,
        brand_name: str | Sequence[str] | None = None,
        model_name: str | Sequence[str] | None = None,
        country: str | Sequence[str] | None = None,
        class_: str | Sequence[str] | None = None,
        type: str | Sequence[str] | None = None,
        doors: int | Sequence[int] | None = None,
        variation: str | Sequence[str] | None = None,
        cilinders: str | Sequence[str] | None = None,
        axes: str | Sequence[str] | None = None,
        vehicle_color: str | Sequence[str] | None = None,
        version: str | Sequence[str] | None = None,
        assembly_place: str | Sequence[str] | None = None,
        supplementary_data: str | Sequence[str] | None = None,
        registration_institution: str | Sequence[str] | None = None,
        plate_entity: str | Sequence[str] | None = None,
        registration_sheet: str | Sequence[str] | None = None,
        observations: str | Sequence[str] | None = None,
        owner_name: str | Sequence[str] | None = None,
        as_of: datetime | None = None,
        sort: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> models.VehicleList:
        """List vehicles (the documented address).

        A page of the current vehicles that match all filters, or of former versions with
        assetStatusId=2. Pages neither repeat nor skip a vehicle that stays in the list. With
        asOf, all pages show the register as it was at that instant. An unknown parameter is
        refused. Needs the scope `vehicles:read`.
        """
        answer: models.VehicleList = await self._transport.send(
            table.LIST_VEHICLES_V1,
            query={
                "q": q,
                "assetStatusId": asset_status_id,
                "operational": operational,
                "vin": vin,
                "customId": custom_id,
                "plate": plate,
                "stateId": state_id,
                "rfcName": rfc_name,
                "taxIdentifier": tax_identifier,
                "lessorName": lessor_name,
                "brandName": brand_name,
                "modelName": model_name,
                "country": country,
                "class": class_,
                "type": type,
                "doors": doors,
                "variation": variation,
                "cilinders": cilinders,
                "axes": axes,
                "vehicleColor": vehicle_color,
                "version": version,
                "assemblyPlace": assembly_place,
                "supplementaryData": supplementary_data,
                "registrationInstitution": registration_institution,
                "plateEntity": plate_entity,
                "registrationSheet": registration_sheet,
                "observations": observations,
                "ownerName": owner_name,
                "asOf": as_of,
                "sort": sort,
                "limit": limit,
                "cursor": cursor,
            },
            headers={"Padron-After": padron_after},
            options=options,
        )
        return answer

    def iterate_vehicles_v1(
        self,
        *,
        q: str | None = None,
        asset_status_id: int | Sequence[int] | None = None,
        operational: bool | None = None,
        vin: str | Sequence[str] | None = None,
        custom_id: str | Sequence[str] | None = None,
        plate: str | Sequence[str] | None = None,
        state_id: int | Sequence[int] | None = None,
        rfc_name: str | Sequence[str] | None = None,
        tax_identifier: str | Sequence[str] | None = None,
        lessor_name: str | Sequence[str] | None = None,
        brand_name: str | Sequence[str] | None = None,
        model_name: str | Sequence[str] | None = None,
        country: str | Sequence[str] | None = None,
        class_: str | Sequence[str] | None = None,
        type: str | Sequence[str] | None = None,
        doors: int | Sequence[int] | None = None,
        variation: str | Sequence[str] | None = None,
        cilinders: str | Sequence[str] | None = None,
        axes: str | Sequence[str] | None = None,
        vehicle_color: str | Sequence[str] | None = None,
        version: str | Sequence[str] | None = None,
        assembly_place: str | Sequence[str] | None = None,
        supplementary_data: str | Sequence[str] | None = None,
        registration_institution: str | Sequence[str] | None = None,
        plate_entity: str | Sequence[str] | None = None,
        registration_sheet: str | Sequence[str] | None = None,
        observations: str | Sequence[str] | None = None,
        owner_name: str | Sequence[str] | None = None,
        as_of: datetime | None = None,
        sort: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.VehicleList, models.Vehicle]:
        """Go through all pages of list_vehicles_v1(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.VehicleList:
            return await self.list_vehicles_v1(
                q=q,
                asset_status_id=asset_status_id,
                operational=operational,
                vin=vin,
                custom_id=custom_id,
                plate=plate,
                state_id=state_id,
                rfc_name=rfc_name,
                tax_identifier=tax_identifier,
                lessor_name=lessor_name,
                brand_name=brand_name,
                model_name=model_name,
                country=country,
                class_=class_,
                type=type,
                doors=doors,
                variation=variation,
                cilinders=cilinders,
                axes=axes,
                vehicle_color=vehicle_color,
                version=version,
                assembly_place=assembly_place,
                supplementary_data=supplementary_data,
                registration_institution=registration_institution,
                plate_entity=plate_entity,
                registration_sheet=registration_sheet,
                observations=observations,
                owner_name=owner_name,
                as_of=as_of,
                sort=sort,
                limit=limit,
                padron_after=padron_after,
                cursor=cursor_now,
                options=options,
            )

        return AsyncPages(turn, "vehicles", cursor)

    async def list_deletions(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> models.DeletionList:
        """List the vehicles that can be brought back.

        The deletions of the last 30 days that were not undone, the last one first. undoRequest
        with a requestId brings that vehicle back, unless its VIN or its plate is in use again.
        Needs the scope `vehicles:delete`.
        """
        answer: models.DeletionList = await self._transport.send(
            table.LIST_DELETIONS, query={"limit": limit, "cursor": cursor}, options=options
        )
        return answer

    def iterate_deletions(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> AsyncPages[models.DeletionList, models.DeletionShape]:
        """Go through all pages of list_deletions(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.DeletionList:
            return await self.list_deletions(limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "deletions", cursor)

    async def erase_values(
        self, body: models.ErasureBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.ErasureShape:
        """Erase personal values.

        Erases values of the present, of former versions, of the history, and of kept answers.
        The record then has the text [erased] in their places. It cannot be undone. Each vehicle
        gets a change of the type `erased`, which names the fields and the numbers of the
        changes that had the values. At most 1,000 vehicles are handled at once: repeat the
        request while `incomplete` is true. Query parameters are ignored. Needs the scope
        `vehicles:erase`.
        """
        answer: models.ErasureShape = await self._transport.send(
            table.ERASE_VALUES, headers={"Idempotency-Key": idempotency_key}, body=body, options=options
        )
        return answer

    async def report_status_counts(
        self, *, days: int | None = None, options: CallOptions | None = None
    ) -> models.StatusCounts:
        """Report how many vehicles had which status on the last days.

        Gives the current vehicles by status at the end of each of the last days, oldest first.
        Days end at midnight UTC, and the last one ends now. Days whose changes are archived are
        left out. The first answer after a start of the server may take some seconds for
        millions of vehicles. Needs the scope `vehicles:read`.
        """
        answer: models.StatusCounts = await self._transport.send(
            table.REPORT_STATUS_COUNTS, query={"days": days}, options=options
        )
        return answer

    async def report_time_in_status(
        self,
        *,
        from_: datetime,
        to: datetime,
        vin: str | None = None,
        custom_id: str | None = None,
        plate: str | None = None,
        state_id: int | None = None,
        rfc_name: str | None = None,
        tax_identifier: str | None = None,
        lessor_name: str | None = None,
        brand_name: str | None = None,
        model_name: str | None = None,
        country: str | None = None,
        class_: str | None = None,
        type: str | None = None,
        doors: int | None = None,
        variation: str | None = None,
        cilinders: str | None = None,
        axes: str | None = None,
        vehicle_color: str | None = None,
        version: str | None = None,
        assembly_place: str | None = None,
        supplementary_data: str | None = None,
        registration_institution: str | None = None,
        plate_entity: str | None = None,
        registration_sheet: str | None = None,
        observations: str | None = None,
        owner_name: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> models.TimeReport:
        """Report how long vehicles were in which status.

        For each vehicle that existed in the period, in order of registration: the seconds in
        each status, and the downtime (not operational) by the reason of the change that set the
        status. The sum of a vehicle's seconds is the time in which it existed in the period.
        The member `total` is the sum over all matching vehicles, and is only on the first page.
        The filters are compared with the core data at the end of the period. As CSV
        (format=csv, or Accept: text/csv), one answer has all vehicles, with a line for each
        vehicle, status and reason. The lines of the total follow at the end. Needs the scope
        `vehicles:read`.
        """
        answer: models.TimeReport = await self._transport.send(
            table.REPORT_TIME_IN_STATUS,
            query={
                "from": from_,
                "to": to,
                "vin": vin,
                "customId": custom_id,
                "plate": plate,
                "stateId": state_id,
                "rfcName": rfc_name,
                "taxIdentifier": tax_identifier,
                "lessorName": lessor_name,
                "brandName": brand_name,
                "modelName": model_name,
                "country": country,
                "class": class_,
                "type": type,
                "doors": doors,
                "variation": variation,
                "cilinders": cilinders,
                "axes": axes,
                "vehicleColor": vehicle_color,
                "version": version,
                "assemblyPlace": assembly_place,
                "supplementaryData": supplementary_data,
                "registrationInstitution": registration_institution,
                "plateEntity": plate_entity,
                "registrationSheet": registration_sheet,
                "observations": observations,
                "ownerName": owner_name,
                "limit": limit,
                "cursor": cursor,
            },
            options=options,
        )
        return answer

    def report_time_in_status_csv(
        self,
        *,
        from_: datetime,
        to: datetime,
        vin: str | None = None,
        custom_id: str | None = None,
        plate: str | None = None,
        state_id: int | None = None,
        rfc_name: str | None = None,
        tax_identifier: str | None = None,
        lessor_name: str | None = None,
        brand_name: str | None = None,
        model_name: str | None = None,
        country: str | None = None,
        class_: str | None = None,
        type: str | None = None,
        doors: int | None = None,
        variation: str | None = None,
        cilinders: str | None = None,
        axes: str | None = None,
        vehicle_color: str | None = None,
        version: str | None = None,
        assembly_place: str | None = None,
        supplementary_data: str | None = None,
        registration_institution: str | None = None,
        plate_entity: str | None = None,
        registration_sheet: str | None = None,
        observations: str | None = None,
        owner_name: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncDownload:
        """Report how long vehicles were in which status.

        For each vehicle that existed in the period, in order of registration: the seconds in
        each status, and the downtime (not operational) by the reason of the change that set the
        status. The sum of a vehicle's seconds is the time in which it existed in the period.
        The member `total` is the sum over all matching vehicles, and is only on the first page.
        The filters are compared with the core data at the end of the period. As CSV
        (format=csv, or Accept: text/csv), one answer has all vehicles, with a line for each
        vehicle, status and reason. The lines of the total follow at the end. Needs the scope
        `vehicles:read`.
        """
        return self._transport.download(
            table.REPORT_TIME_IN_STATUS_CSV,
            query={
                "from": from_,
                "to": to,
                "vin": vin,
                "customId": custom_id,
                "plate": plate,
                "stateId": state_id,
                "rfcName": rfc_name,
                "taxIdentifier": tax_identifier,
                "lessorName": lessor_name,
                "brandName": brand_name,
                "modelName": model_name,
                "country": country,
                "class": class_,
                "type": type,
                "doors": doors,
                "variation": variation,
                "cilinders": cilinders,
                "axes": axes,
                "vehicleColor": vehicle_color,
                "version": version,
                "assemblyPlace": assembly_place,
                "supplementaryData": supplementary_data,
                "registrationInstitution": registration_institution,
                "plateEntity": plate_entity,
                "registrationSheet": registration_sheet,
                "observations": observations,
                "ownerName": owner_name,
                "limit": limit,
                "cursor": cursor,
                "format": "csv",
            },
            options=options,
        )

    def iterate_time_in_status(
        self,
        *,
        from_: datetime,
        to: datetime,
        vin: str | None = None,
        custom_id: str | None = None,
        plate: str | None = None,
        state_id: int | None = None,
        rfc_name: str | None = None,
        tax_identifier: str | None = None,
        lessor_name: str | None = None,
        brand_name: str | None = None,
        model_name: str | None = None,
        country: str | None = None,
        class_: str | None = None,
        type: str | None = None,
        doors: int | None = None,
        variation: str | None = None,
        cilinders: str | None = None,
        axes: str | None = None,
        vehicle_color: str | None = None,
        version: str | None = None,
        assembly_place: str | None = None,
        supplementary_data: str | None = None,
        registration_institution: str | None = None,
        plate_entity: str | None = None,
        registration_sheet: str | None = None,
        observations: str | None = None,
        owner_name: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.TimeReport, models.VehicleTimeShape]:
        """Go through all pages of report_time_in_status(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.TimeReport:
            return await self.report_time_in_status(
                from_=from_,
                to=to,
                vin=vin,
                custom_id=custom_id,
                plate=plate,
                state_id=state_id,
                rfc_name=rfc_name,
                tax_identifier=tax_identifier,
                lessor_name=lessor_name,
                brand_name=brand_name,
                model_name=model_name,
                country=country,
                class_=class_,
                type=type,
                doors=doors,
                variation=variation,
                cilinders=cilinders,
                axes=axes,
                vehicle_color=vehicle_color,
                version=version,
                assembly_place=assembly_place,
                supplementary_data=supplementary_data,
                registration_institution=registration_institution,
                plate_entity=plate_entity,
                registration_sheet=registration_sheet,
                observations=observations,
                owner_name=owner_name,
                limit=limit,
                cursor=cursor_now,
                options=options,
            )

        return AsyncPages(turn, "vehicles", cursor)

    async def list_duplicates(
        self,
        *,
        vin: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> models.DuplicateList:
        """List VINs that several vehicles have.

        The VINs with several current vehicles, in order, each with these vehicles side by side
        and the values that differ. Duplicates can only come from legacy data. Until they are
        resolved, calls by such a VIN get 409 `MultipleVehiclesFound`. A page can be shorter
        than the limit. Needs the scope `vehicles:repair`.
        """
        answer: models.DuplicateList = await self._transport.send(
            table.LIST_DUPLICATES, query={"vin": vin, "limit": limit, "cursor": cursor}, options=options
        )
        return answer

    def iterate_duplicates(
        self,
        *,
        vin: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.DuplicateList, models.DuplicateGroupShape]:
        """Go through all pages of list_duplicates(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.DuplicateList:
            return await self.list_duplicates(vin=vin, limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "duplicates", cursor)

    async def resolve_duplicates(
        self,
        vin: str,
        body: models.ResolveBody,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.RepairAnswer:
        """Keep one of several vehicles with a VIN.

        Keeps one vehicle unchanged. The others become former versions: each gets a
        statusChanged to 2. Then calls by the VIN work again. All changes are one request, which
        can be undone. With `revisions`, the answer is 412 unless the vehicles and their
        revisions match. Query parameters are ignored. Needs the scope `vehicles:repair`.
        """
        answer: models.RepairAnswer = await self._transport.send(
            table.RESOLVE_DUPLICATES,
            path={"vin": vin},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def merge_duplicates(
        self,
        vin: str,
        body: models.MergeBody,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.RepairAnswer:
        """Make one of several vehicles with a VIN.

        Keeps one vehicle, with values that `take` takes from the others, and values that `set`
        gives. `vehicleStatusId` can be one of them. The others become former versions: each
        gets a statusChanged to 2. Then calls by the VIN work again. All changes are one
        request, which can be undone. With `revisions`, the answer is 412 unless the vehicles
        and their revisions match. Query parameters are ignored. Needs the scope
        `vehicles:repair`.
        """
        answer: models.RepairAnswer = await self._transport.send(
            table.MERGE_DUPLICATES,
            path={"vin": vin},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def start_import(
        self,
        content: bytes | os.PathLike[str],
        *,
        keep_duplicates: bool | None = None,
        dry_run: bool | None = None,
        file_name: str | None = None,
        sheet: str | None = None,
        header_row: int | None = None,
        mapping: str | None = None,
        ignore_unknown: bool | None = None,
        normalize: bool | None = None,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.ImportShape:
        """Import a file of vehicles.

        The body is the file itself, at most 1,000 MB: CSV, XLSX or JSON Lines. The form is
        detected from the content. When the file has arrived, the answer is 202, and the import
        runs in the background, even if this server stops. Follow it at its address. The imports
        of an account run one after the other. A wrong row is refused alone, and the report has
        all its faults. If you export a file, edit it and import it, only the edited values
        change. With dryRun nothing is changed. Needs the scope `vehicles:write` and
        `vehicles:status` and `vehicles:bulk`.
        """
        answer: models.ImportShape = await self._transport.send(
            table.START_IMPORT,
            query={
                "keepDuplicates": keep_duplicates,
                "dryRun": dry_run,
                "fileName": file_name,
                "sheet": sheet,
                "headerRow": header_row,
                "mapping": mapping,
                "ignoreUnknown": ignore_unknown,
                "normalize": normalize,
            },
            headers={"Idempotency-Key": idempotency_key},
            content=content,
            options=options,
        )
        return answer

    async def list_imports(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> models.ImportList:
        """List imports.

        The account's imports, newest first. An import is kept for 30 days after it ended. Needs
        the scope `vehicles:write`.
        """
        answer: models.ImportList = await self._transport.send(
            table.LIST_IMPORTS, query={"limit": limit, "cursor": cursor}, options=options
        )
        return answer

    def iterate_imports(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> AsyncPages[models.ImportList, models.ImportShape]:
        """Go through all pages of list_imports(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.ImportList:
            return await self.list_imports(limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "imports", cursor)

    async def get_import(self, import_id: str, *, options: CallOptions | None = None) -> models.ImportShape:
        """Read how an import stands.

        Gives the state `queued`, `running`, `done`, `failed` (detail says why) or `cancelled`,
        and the results of the rows so far. Its changes can be undone by its requestId, within
        the limits of an undo. Needs the scope `vehicles:write`.
        """
        answer: models.ImportShape = await self._transport.send(
            table.GET_IMPORT, path={"importId": import_id}, options=options
        )
        return answer

    async def cancel_import(self, import_id: str, *, options: CallOptions | None = None) -> Done:
        """Cancel an import.

        Stops the import. Rows that are already imported stay. Cancelling again is also 204.
        Needs the scope `vehicles:write` and `vehicles:bulk`.
        """
        answer: Done = await self._transport.send(table.CANCEL_IMPORT, path={"importId": import_id}, options=options)
        return answer

    def get_import_report(self, import_id: str, *, options: CallOptions | None = None) -> AsyncDownload:
        """Read which lines an import refused.

        CSV with the columns line, column and detail, in the order of the file. Each fault has a
        row, so a line can appear several times. The report has the first 100,000 faults. The
        import's counts have the number of refused lines. Needs the scope `vehicles:write`.
        """
        return self._transport.download(table.GET_IMPORT_REPORT, path={"importId": import_id}, options=options)

    async def keep_file(
        self,
        content: bytes | os.PathLike[str],
        *,
        file_name: str | None = None,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.KeptFileShape:
        """Send a file to look at before its import.

        The body is the file itself, as for startImport. Nothing is imported yet. The file is
        kept for 24 hours after it was last used. Look at its preview, check it with dryRun,
        correct what was refused, and import it, without sending it again. Needs the scope
        `vehicles:write` and `vehicles:status` and `vehicles:bulk`.
        """
        answer: models.KeptFileShape = await self._transport.send(
            table.KEEP_FILE,
            query={"fileName": file_name},
            headers={"Idempotency-Key": idempotency_key},
            content=content,
            options=options,
        )
        return answer

    async def get_file_preview(
        self,
        file_id: str,
        *,
        sheet: str | None = None,
        header_row: int | None = None,
        mapping: str | None = None,
        ignore_unknown: bool | None = None,
        normalize: bool | None = None,
        options: CallOptions | None = None,
    ) -> models.PreviewShape:
        """See what a file looks like.

        Gives the sheets of a workbook, the row with the column names, what each column seems to
        be, and the first 20 rows. The options are those of an import. Without a mapping, the
        one counts that an earlier import kept for these names. Needs the scope `vehicles:write`
        and `vehicles:status` and `vehicles:bulk`.
        """
        answer: models.PreviewShape = await self._transport.send(
            table.GET_FILE_PREVIEW,
            path={"fileId": file_id},
            query={
                "sheet": sheet,
                "headerRow": header_row,
                "mapping": mapping,
                "ignoreUnknown": ignore_unknown,
                "normalize": normalize,
            },
            options=options,
        )
        return answer

    async def import_file(
        self,
        file_id: str,
        body: models.KeptImportBody | None = None,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.ImportShape:
        """Import a file that was sent.

        Imports the file, or with dryRun only checks it. The answer is 202, and the import is
        like any other: it has a report and can be undone. `corrections` replace single cells of
        the file. Needs the scope `vehicles:write` and `vehicles:status` and `vehicles:bulk`.
        """
        answer: models.ImportShape = await self._transport.send(
            table.IMPORT_FILE,
            path={"fileId": file_id},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def discard_file(self, file_id: str, *, options: CallOptions | None = None) -> Done:
        """Discard a file that was sent.

        Deletes the file. Its imports remain. An import that still reads it goes on. Needs the
        scope `vehicles:write` and `vehicles:status` and `vehicles:bulk`.
        """
        answer: Done = await self._transport.send(table.DISCARD_FILE, path={"fileId": file_id}, options=options)
        return answer

    async def create_selection(
        self, body: models.SelectionBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.SelectionShape:
        """Select many vehicles.

        Keeps a set of at most 10,000 vehicles on the server for 24 hours, each with the
        revision at which it was seen. All that match a filter are read now; a vehicle that
        matches later is not in the set. Names of a list that give no vehicle are kept as
        faults, with line and reason. Nothing is changed. Needs the scope `vehicles:status` and
        `vehicles:bulk` and `vehicles:read`.
        """
        answer: models.SelectionShape = await self._transport.send(
            table.CREATE_SELECTION, headers={"Idempotency-Key": idempotency_key}, body=body, options=options
        )
        return answer

    async def list_selections(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> models.SelectionList:
        """List selections.

        The account's selections, newest first. One that was applied is kept for 30 days after
        its end. Needs the scope `vehicles:status` and `vehicles:bulk` and `vehicles:read`.
        """
        answer: models.SelectionList = await self._transport.send(
            table.LIST_SELECTIONS, query={"limit": limit, "cursor": cursor}, options=options
        )
        return answer

    def iterate_selections(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> AsyncPages[models.SelectionList, models.SelectionShape]:
        """Go through all pages of list_selections(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.SelectionList:
            return await self.list_selections(limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "selections", cursor)

    async def get_selection(
        self,
        selection_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> models.SelectionPageShape:
        """Read a selection.

        The selection, how far its work is, and a page of its vehicles. Needs the scope
        `vehicles:status` and `vehicles:bulk` and `vehicles:read`.
        """
        answer: models.SelectionPageShape = await self._transport.send(
            table.GET_SELECTION,
            path={"selectionId": selection_id},
            query={"limit": limit, "cursor": cursor},
            options=options,
        )
        return answer

    def iterate_selection(
        self,
        selection_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.SelectionPageShape, models.SelectedVehicleShape]:
        """Go through all pages of get_selection(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.SelectionPageShape:
            return await self.get_selection(selection_id, limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "vehicles", cursor)

    async def delete_selection(self, selection_id: str, *, options: CallOptions | None = None) -> Done:
        """Cancel or delete a selection.

        Cancels a selection whose change is under way: what is changed so far stays, and the
        selection stays for its report. Any other selection is deleted. Needs the scope
        `vehicles:status` and `vehicles:bulk` and `vehicles:read`.
        """
        answer: Done = await self._transport.send(
            table.DELETE_SELECTION, path={"selectionId": selection_id}, options=options
        )
        return answer

    async def preview_selection(
        self,
        selection_id: str,
        body: models.StatusBody,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.SelectionPreviewShape:
        """See what a change would do.

        Looks at each vehicle again and decides as the change itself will. No vehicle is
        changed. The selection then has the revisions of now, and the answer names what changed
        since it was last shown. Show the answer to whoever decides, and send its digest back.
        Needs the scope `vehicles:status` and `vehicles:bulk` and `vehicles:read`.
        """
        answer: models.SelectionPreviewShape = await self._transport.send(
            table.PREVIEW_SELECTION,
            path={"selectionId": selection_id},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def apply_selection(
        self,
        selection_id: str,
        body: models.ApplyBody,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.SelectionShape:
        """Change all vehicles of a selection.

        Confirms the change of exactly the set that the digest names. If any vehicle changed
        since it was shown, the answer is 409 `SelectionChanged` with these vehicles and the new
        digest, and nothing is changed. Otherwise the work runs in the background, even if this
        server stops. A vehicle that somebody changes before its turn is left, with the outcome
        `changedSince`. All changes have the requestId, by which they can be undone together.
        Needs the scope `vehicles:status` and `vehicles:bulk` and `vehicles:read`.
        """
        answer: models.SelectionShape = await self._transport.send(
            table.APPLY_SELECTION,
            path={"selectionId": selection_id},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    def get_selection_report(self, selection_id: str, *, options: CallOptions | None = None) -> AsyncDownload:
        """Read the outcome for each vehicle.

        CSV with the columns vin, vehicleStatusId, revision (both as they were seen), outcome,
        line and detail. After the vehicles come the faults of a list, with the text in the
        column vin and the reason in the column outcome. Needs the scope `vehicles:status` and
        `vehicles:bulk` and `vehicles:read`.
        """
        return self._transport.download(table.GET_SELECTION_REPORT, path={"selectionId": selection_id}, options=options)

    async def list_views(self, *, options: CallOptions | None = None) -> models.ViewList:
        """List saved views.

        The views of the list of vehicles that the account shares, by name. A person also gets
        their own. Needs the scope `vehicles:read`.
        """
        answer: models.ViewList = await self._transport.send(table.LIST_VIEWS, options=options)
        return answer

    async def create_view(
        self, body: models.ViewBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.ViewShape:
        """Save a view.

        Keeps a query of the list under a name. An account shares at most 200 views, and a
        person keeps at most 50 besides. A shared view needs the scope `vehicles:write`, and
        `accountDefault` needs `vehicles:bulk`. A key shares its views: only a person can keep
        one for themselves. Needs the scope `vehicles:read`.
        """
        answer: models.ViewShape = await self._transport.send(
            table.CREATE_VIEW, headers={"Idempotency-Key": idempotency_key}, body=body, options=options
        )
        return answer

    async def get_view(self, view_id: str, *, options: CallOptions | None = None) -> models.ViewShape:
        """Read a saved view.

        The view. Put its `query` behind `GET /api/v2/vehicles?` to read what it shows. Needs
        the scope `vehicles:read`.
        """
        answer: models.ViewShape = await self._transport.send(table.GET_VIEW, path={"viewId": view_id}, options=options)
        return answer

    async def put_view(
        self, view_id: str, body: models.ViewBody, *, options: CallOptions | None = None
    ) -> models.ViewShape:
        """Save over a view.

        Replaces name, query, columns and sharing. A shared view that somebody else made needs
        the scope `vehicles:bulk`. Only who made it can take it back for themselves. Needs the
        scope `vehicles:read`.
        """
        answer: models.ViewShape = await self._transport.send(
            table.PUT_VIEW, path={"viewId": view_id}, body=body, options=options
        )
        return answer

    async def delete_view(self, view_id: str, *, options: CallOptions | None = None) -> Done:
        """Delete a saved view.

        Deletes the view for everybody. No vehicle is touched. Needs the scope `vehicles:read`.
        """
        answer: Done = await self._transport.send(table.DELETE_VIEW, path={"viewId": view_id}, options=options)
        return answer

    async def check_vehicles(
        self, body: models.GateBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.GateList:
        """Ask whether an operation may touch vehicles.

        Gives a verdict for each VIN, in order. Only a current vehicle that is Active is
        allowed. The verdict is always fresh: after a deactivation was answered with 204, no
        server answers a later question with allowed. Refusals are recorded. Needs the scope
        `gate:check`.
        """
        answer: models.GateList = await self._transport.send(
            table.CHECK_VEHICLES, headers={"Idempotency-Key": idempotency_key}, body=body, options=options
        )
        return answer

    async def list_gate_refusals(
        self,
        *,
        operation: str | None = None,
        vin: str | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> models.RefusalList:
        """List what the gate refused.

        One row for each hour, vehicle, operation and key, with a count, newest hour first. A
        refusal is in the list at most two seconds later. Needs the scope `gate:check`.
        """
        answer: models.RefusalList = await self._transport.send(
            table.LIST_GATE_REFUSALS,
            query={"operation": operation, "vin": vin, "from": from_, "to": to, "limit": limit, "cursor": cursor},
            options=options,
        )
        return answer

    def iterate_gate_refusals(
        self,
        *,
        operation: str | None = None,
        vin: str | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.RefusalList, models.GateRefusalShape]:
        """Go through all pages of list_gate_refusals(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.RefusalList:
            return await self.list_gate_refusals(
                operation=operation, vin=vin, from_=from_, to=to, limit=limit, cursor=cursor_now, options=options
            )

        return AsyncPages(turn, "refusals", cursor)

    async def check_vehicle(
        self, vin: str, *, operation: str, if_none_match: str | None = None, options: CallOptions | None = None
    ) -> models.GateSingle:
        """Ask whether an operation may touch a vehicle.

        The verdict on one vehicle. Ask again with If-None-Match: 304 means that it is still
        valid. Needs the scope `gate:check`.
        """
        answer: models.GateSingle = await self._transport.send(
            table.CHECK_VEHICLE,
            path={"vin": vin},
            query={"operation": operation},
            headers={"If-None-Match": if_none_match},
            options=options,
        )
        return answer

    async def list_changes(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
        type: str | None = None,
        operational_changed: bool | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> models.ChangeList:
        """Follow the account's changes.

        All changes in one order, without a gap. The answer is a page of changes after the
        cursor. With `wait`, the server waits for the first change. With `Accept:
        text/event-stream`, the same changes come as server-sent events. `event` is the type of
        the change, `data` is the change as JSON on one line, and `id` is the cursor after it.
        Send `Last-Event-ID` to continue from there. An `id` without `event` and `data` moves
        the cursor past changes that the filters left out. Comments keep the connection alive.
        The stream ends when the server stops, or when the key is no longer valid. A cursor from
        before a restored backup gets 410. Then load the list again. `operational` says whether
        the vehicle is operational now. `operationalChanged` says whether the change made it
        operational, or made it not operational. To miss nothing, load the list of vehicles with
        operational=true, and continue from the cursor of its first page. Needs the scope
        `changes:read`.
        """
        answer: models.ChangeList = await self._transport.send(
            table.LIST_CHANGES,
            query={
                "after": after,
                "limit": limit,
                "wait": wait,
                "type": type,
                "operationalChanged": operational_changed,
            },
            headers={"Padron-After": padron_after},
            options=options,
        )
        return answer

    def stream_changes(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
        type: str | None = None,
        operational_changed: bool | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncEvents:
        """Follow the account's changes.

        All changes in one order, without a gap. The answer is a page of changes after the
        cursor. With `wait`, the server waits for the first change. With `Accept:
        text/event-stream`, the same changes come as server-sent events. `event` is the type of
        the change, `data` is the change as JSON on one line, and `id` is the cursor after it.
        Send `Last-Event-ID` to continue from there. An `id` without `event` and `data` moves
        the cursor past changes that the filters left out. Comments keep the connection alive.
        The stream ends when the server stops, or when the key is no longer valid. A cursor from
        before a restored backup gets 410. Then load the list again. `operational` says whether
        the vehicle is operational now. `operationalChanged` says whether the change made it
        operational, or made it not operational. To miss nothing, load the list of vehicles with
        operational=true, and continue from the cursor of its first page. Needs the scope
        `changes:read`.
        """
        return self._transport.stream(
            table.STREAM_CHANGES,
            query={
                "after": after,
                "limit": limit,
                "wait": wait,
                "type": type,
                "operationalChanged": operational_changed,
            },
            headers={"Padron-After": padron_after},
            options=options,
        )

    def iterate_changes(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
        type: str | None = None,
        operational_changed: bool | None = None,
        padron_after: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.ChangeList, models.Change]:
        """Go through all pages of list_changes(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.ChangeList:
            return await self.list_changes(
                limit=limit,
                wait=wait,
                type=type,
                operational_changed=operational_changed,
                padron_after=padron_after,
                after=cursor_now,
                options=options,
            )

        return AsyncPages(turn, "changes", after)

    async def get_actor(self, actor_id: str, *, options: CallOptions | None = None) -> models.ActorShape:
        """Read who made a change.

        Gives the author whose id is in `by`, `changedBy` or `createdBy`. The kind is `person`,
        `key` (an API key of the account), `token` (an access token of a provider), or
        `commandLine` (the operator's `padron`, with the system user if it is known). The name
        is the present one, as in `byName`. A person who left the account keeps the name. A
        person who was erased is `erased person`. Needs the scope `vehicles:read` or
        `changes:read`, depending on the kind of change.
        """
        answer: models.ActorShape = await self._transport.send(
            table.GET_ACTOR, path={"actorId": actor_id}, options=options
        )
        return answer

    async def claim_work(
        self,
        name: str,
        body: models.ClaimBody | None = None,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.ClaimList:
        """Claim vehicles to work on.

        Gives up to `limit` vehicles (1 to 500, default 1), each with a lease: nobody else gets
        the vehicle for this run before `leaseUntil`. Every claimed vehicle is operational at
        that moment. Without work, the call waits up to `wait` seconds (0 to 30, default 0) and
        then gives an empty list. When a lease expires, the vehicle can be claimed again until
        the operation's attempts are used. Query parameters are ignored. Needs the scope
        `operations:run`.
        """
        answer: models.ClaimList = await self._transport.send(
            table.CLAIM_WORK,
            path={"name": name},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def give_results(
        self,
        name: str,
        body: models.ResultsBody,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.ResultAnswerList:
        """Answer claims with results.

        Stores 1 to 500 results, each any JSON of at most 65,536 bytes. The body may have at
        most 1,000,000 bytes. Each result gets its own answer with its own status, in order. If
        no result could be stored, the answer is the first one's problem, with all answers in
        its member `results`. For example, a single result for a deactivated vehicle gets 409
        `ClaimWithdrawn`. The same result again is 200, and is stored only once. A `failed`
        result with attempts left is stored, and the vehicle is queued again. A result after the
        end of the lease is accepted, unless somebody else claimed the vehicle. Needs the scope
        `operations:run`.
        """
        answer: models.ResultAnswerList = await self._transport.send(
            table.GIVE_RESULTS,
            path={"name": name},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def start_run(
        self, name: str, body: models.RunBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.RunShape:
        """Queue an operation for vehicles.

        Queues the operation for the vehicles with these VINs, for the vehicles that match a
        filter, or, with `all`, for all vehicles of the account. Only operational vehicles are
        queued. The others are in `refused` with the reason: `notActive` (with the status and
        its instant), `unknown`, or `several` (several vehicles have the VIN). `vins` may have
        at most 10,000 VINs, and all are queued before the answer. For a filter, the first 1,000
        vehicles are queued before the answer. If there are more, the answer is 202, and the
        rest are added while the run's state is `queueing`. An account may have at most 10 runs
        by filter in this state, unless the operator has set another limit. The first 1,000
        refusals of a run are kept, and all are counted. Vehicles that are registered later are
        not in the run. The body may have at most 1,000,000 bytes. Needs the scope
        `operations:run`.
        """
        answer: models.RunShape = await self._transport.send(
            table.START_RUN,
            path={"name": name},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def list_runs(
        self, name: str, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> models.RunList:
        """List the runs of an operation.

        All runs of the operation, newest first, the cancelled ones included. The counts and the
        state of a run are at its own address. Needs the scope `operations:run`.
        """
        answer: models.RunList = await self._transport.send(
            table.LIST_RUNS, path={"name": name}, query={"limit": limit, "cursor": cursor}, options=options
        )
        return answer

    def iterate_runs(
        self, name: str, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> AsyncPages[models.RunList, models.RunEntryShape]:
        """Go through all pages of list_runs(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.RunList:
            return await self.list_runs(name, limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "runs", cursor)

    async def get_run(self, name: str, run_id: str, *, options: CallOptions | None = None) -> models.RunShape:
        """Read how a run stands.

        Gives the state (`queueing`, `open`, `finished`), the counts, the progress, and the
        first 1,000 vehicles that were left out. A claim with an expired lease counts as queued,
        or as exhausted when no attempt is left. Needs the scope `operations:run`.
        """
        answer: models.RunShape = await self._transport.send(
            table.GET_RUN, path={"name": name, "runId": run_id}, options=options
        )
        return answer

    async def cancel_run(self, name: str, run_id: str, *, options: CallOptions | None = None) -> Done:
        """Cancel a run.

        Ends the queueing of the run, and cancels all of its work that is not answered yet.
        After the answer 204, no worker receives a vehicle of it, and a late result is 409
        `ClaimWithdrawn`. Results that were given before are kept. For a large run the answer
        takes some seconds. If it does not arrive, repeat the request: a cancelled run can be
        cancelled again. Needs the scope `operations:run`.
        """
        answer: Done = await self._transport.send(
            table.CANCEL_RUN, path={"name": name, "runId": run_id}, options=options
        )
        return answer

    async def list_run_results(
        self,
        name: str,
        run_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> models.ResultList:
        """Read a run's results.

        Every stored result, including those of failed attempts, by vehicle and attempt. Needs
        the scope `operations:run`.
        """
        answer: models.ResultList = await self._transport.send(
            table.LIST_RUN_RESULTS,
            path={"name": name, "runId": run_id},
            query={"limit": limit, "cursor": cursor},
            options=options,
        )
        return answer

    def iterate_run_results(
        self,
        name: str,
        run_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.ResultList, models.ResultShape]:
        """Go through all pages of list_run_results(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.ResultList:
            return await self.list_run_results(name, run_id, limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "results", cursor)

    async def list_vehicle_results(
        self, vin: str, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> models.ResultList:
        """Read a vehicle's results.

        The results of operations for a vehicle, newest first, with any present status of the
        vehicle. Needs the scope `operations:run`.
        """
        answer: models.ResultList = await self._transport.send(
            table.LIST_VEHICLE_RESULTS, path={"vin": vin}, query={"limit": limit, "cursor": cursor}, options=options
        )
        return answer

    def iterate_vehicle_results(
        self, vin: str, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> AsyncPages[models.ResultList, models.ResultShape]:
        """Go through all pages of list_vehicle_results(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.ResultList:
            return await self.list_vehicle_results(vin, limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "results", cursor)

    async def delete_operation(self, name: str, *, options: CallOptions | None = None) -> Done:
        """Delete an operation.

        Cancels the open runs of the operation, and deletes its declaration. Calls with its name
        are then 404 `OperationNotFound`. Runs and results are kept: the results of a vehicle
        still show them, and so does the operation if it is declared again. The answer 429 means
        that others keep on starting runs of it. Needs the scope `operations:manage`.
        """
        answer: Done = await self._transport.send(table.DELETE_OPERATION, path={"name": name}, options=options)
        return answer

    async def put_operation(
        self, name: str, body: models.OperationBody, *, options: CallOptions | None = None
    ) -> models.OperationShape:
        """Declare an operation.

        Declares a kind of work that workers do on vehicles, or changes it. Later claims get the
        new lease. The same declaration again changes nothing. An account has at most 200
        operations, unless the operator has set another limit. Needs the scope
        `operations:manage`.
        """
        answer: models.OperationShape = await self._transport.send(
            table.PUT_OPERATION, path={"name": name}, body=body, options=options
        )
        return answer

    async def list_operations(self, *, options: CallOptions | None = None) -> models.OperationList:
        """List the operations.

        All operations of the account, by name. Needs the scope `operations:run`.
        """
        answer: models.OperationList = await self._transport.send(table.LIST_OPERATIONS, options=options)
        return answer

    async def scan_vins(
        self,
        content: bytes | os.PathLike[str],
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.ScanShape:
        """Read the VINs in a picture.

        The body is a picture of at most 12 MB, such as a photo of a vehicle's label. The server
        looks for barcodes: Code 39, Code 128, Data Matrix and QR. The answer has each VIN in
        them once. The `I` before the VIN of an imported vehicle is dropped. The picture is not
        kept. A picture without a VIN is answered with an empty list. Needs a server with the
        extra `scan`. Needs the scope `vehicles:read`.
        """
        answer: models.ScanShape = await self._transport.send(
            table.SCAN_VINS, headers={"Idempotency-Key": idempotency_key}, content=content, options=options
        )
        return answer

    async def describe_vin(self, vin: str, *, options: CallOptions | None = None) -> models.VinShape:
        """Ask what a VIN tells, or what is wrong with it.

        Uses only the text, without the network and the register. The status is always 200. The
        answer has: - Whether the text is well-formed. - What is wrong where, and the VIN that
        was probably meant (0 for O and Q, 1 for I, no spaces or hyphens). - The check digit. A
        wrong one is only a warning, because the law requires it only in North America and
        China. - The region, the country, the maker and the possible model years. Any valid key
        may ask. Query parameters are ignored.
        """
        answer: models.VinShape = await self._transport.send(table.DESCRIBE_VIN, path={"vin": vin}, options=options)
        return answer

    async def create_webhook(
        self, body: models.WebhookBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.WebhookShape:
        """Create a webhook endpoint.

        From now on, every change that fits the filter is sent to the endpoint, signed as in
        Standard Webhooks. The secret is shown only in this answer. Needs the scope
        `webhooks:manage`.
        """
        answer: models.WebhookShape = await self._transport.send(
            table.CREATE_WEBHOOK, headers={"Idempotency-Key": idempotency_key}, body=body, options=options
        )
        return answer

    async def list_webhooks(self, *, options: CallOptions | None = None) -> models.WebhookList:
        """List the webhook endpoints.

        All endpoints of the account, without their secrets. Needs the scope `webhooks:manage`.
        """
        answer: models.WebhookList = await self._transport.send(table.LIST_WEBHOOKS, options=options)
        return answer

    async def get_webhook(self, webhook_id: str, *, options: CallOptions | None = None) -> models.WebhookShape:
        """Read a webhook endpoint.

        Shows its filter, its position in the feed, and whether and why it is switched off.
        Needs the scope `webhooks:manage`.
        """
        answer: models.WebhookShape = await self._transport.send(
            table.GET_WEBHOOK, path={"webhookId": webhook_id}, options=options
        )
        return answer

    async def change_webhook(
        self, webhook_id: str, body: models.WebhookEdits, *, options: CallOptions | None = None
    ) -> models.WebhookShape:
        """Change a webhook endpoint.

        A missing member keeps its value. When the endpoint is switched on again, or gets
        another url, it continues where it stopped, and its pending deliveries are due
        immediately. Needs the scope `webhooks:manage`.
        """
        answer: models.WebhookShape = await self._transport.send(
            table.CHANGE_WEBHOOK, path={"webhookId": webhook_id}, body=body, options=options
        )
        return answer

    async def delete_webhook(self, webhook_id: str, *, options: CallOptions | None = None) -> Done:
        """Delete a webhook endpoint.

        No new message is sent from now on. The log of the endpoint is deleted too. Needs the
        scope `webhooks:manage`.
        """
        answer: Done = await self._transport.send(table.DELETE_WEBHOOK, path={"webhookId": webhook_id}, options=options)
        return answer

    async def rotate_webhook_secret(
        self, webhook_id: str, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.WebhookShape:
        """Replace an endpoint's secret.

        For 24 hours, messages have two signatures: by the new secret and by the former one.
        Needs the scope `webhooks:manage`.
        """
        answer: models.WebhookShape = await self._transport.send(
            table.ROTATE_WEBHOOK_SECRET,
            path={"webhookId": webhook_id},
            headers={"Idempotency-Key": idempotency_key},
            options=options,
        )
        return answer

    async def test_webhook(
        self, webhook_id: str, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.AnswerShape:
        """Send a test event.

        Sends webhook.test immediately, even to an endpoint that is switched off, and waits up
        to 15 seconds for the answer. The result counts neither as a success nor as a failure.
        Needs the scope `webhooks:manage`.
        """
        answer: models.AnswerShape = await self._transport.send(
            table.TEST_WEBHOOK,
            path={"webhookId": webhook_id},
            headers={"Idempotency-Key": idempotency_key},
            options=options,
        )
        return answer

    async def list_webhook_deliveries(
        self,
        webhook_id: str,
        *,
        state: Literal["pending", "delivered", "failed"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> models.DeliveryList:
        """List an endpoint's deliveries.

        The deliveries of the last 30 days, and all pending ones, newest first. Needs the scope
        `webhooks:manage`.
        """
        answer: models.DeliveryList = await self._transport.send(
            table.LIST_WEBHOOK_DELIVERIES,
            path={"webhookId": webhook_id},
            query={"state": state, "limit": limit, "cursor": cursor},
            options=options,
        )
        return answer

    def iterate_webhook_deliveries(
        self,
        webhook_id: str,
        *,
        state: Literal["pending", "delivered", "failed"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        options: CallOptions | None = None,
    ) -> AsyncPages[models.DeliveryList, models.DeliveryShape]:
        """Go through all pages of list_webhook_deliveries(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.DeliveryList:
            return await self.list_webhook_deliveries(
                webhook_id, state=state, limit=limit, cursor=cursor_now, options=options
            )

        return AsyncPages(turn, "deliveries", cursor)

    async def get_webhook_delivery(
        self, webhook_id: str, delivery_id: int, *, options: CallOptions | None = None
    ) -> models.LoggedDeliveryShape:
        """Read a delivery and its attempts.

        Gives the status or the error of each attempt, and the first kilobyte of the answer,
        escaped. Needs the scope `webhooks:manage`.
        """
        answer: models.LoggedDeliveryShape = await self._transport.send(
            table.GET_WEBHOOK_DELIVERY, path={"webhookId": webhook_id, "deliveryId": delivery_id}, options=options
        )
        return answer

    async def replay_webhook(
        self,
        webhook_id: str,
        body: models.ReplayBody,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.WebhookShape:
        """Send everything after a change again.

        The endpoint goes back in the feed. Every change after this number that fits its present
        filter is sent again, with the same webhook-id as before. Instead of the number you can
        send a cursor of the feed, which is safe after a backup was restored: a cursor from
        before the restore gets 410. A number beyond the end also gets 410. Needs the scope
        `webhooks:manage`.
        """
        answer: models.WebhookShape = await self._transport.send(
            table.REPLAY_WEBHOOK,
            path={"webhookId": webhook_id},
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def replay_webhook_delivery(
        self,
        webhook_id: str,
        delivery_id: int,
        *,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.LoggedDeliveryShape:
        """Send one delivery again.

        Sends it immediately, with the whole schedule of retries and the same webhook-id as
        before. Needs the scope `webhooks:manage`.
        """
        answer: models.LoggedDeliveryShape = await self._transport.send(
            table.REPLAY_WEBHOOK_DELIVERY,
            path={"webhookId": webhook_id, "deliveryId": delivery_id},
            headers={"Idempotency-Key": idempotency_key},
            options=options,
        )
        return answer

    async def get_account(self, *, options: CallOptions | None = None) -> models.AccountShape:
        """Read the account.

        The account of the key, how much it has, and the limits in force. Needs the scope
        `account:manage`.
        """
        answer: models.AccountShape = await self._transport.send(table.GET_ACCOUNT, options=options)
        return answer

    async def list_account_events(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> models.ActList:
        """Read who administered what.

        Every act of administration in the account, newest first, also those of the operator's
        command line. The last 100,000 are kept. Needs the scope `account:manage`.
        """
        answer: models.ActList = await self._transport.send(
            table.LIST_ACCOUNT_EVENTS, query={"limit": limit, "cursor": cursor}, options=options
        )
        return answer

    def iterate_account_events(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> AsyncPages[models.ActList, models.ActShape]:
        """Go through all pages of list_account_events(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.ActList:
            return await self.list_account_events(limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "events", cursor)

    async def create_key(
        self, body: models.KeyBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.KeyShape:
        """Create an API key.

        The secret is shown only in this answer. A key cannot create one with a scope that it
        lacks itself: that is 403. With an Idempotency-Key, the kept answer is encrypted with
        your own key. Needs the scope `account:manage`.
        """
        answer: models.KeyShape = await self._transport.send(
            table.CREATE_KEY, headers={"Idempotency-Key": idempotency_key}, body=body, options=options
        )
        return answer

    async def list_keys(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> models.KeyList:
        """List the API keys.

        All keys of the account, oldest first, revoked and expired ones included, without their
        secrets. The oldest of more than 10,000 keys that have ended are deleted. Needs the
        scope `account:manage`.
        """
        answer: models.KeyList = await self._transport.send(
            table.LIST_KEYS, query={"limit": limit, "cursor": cursor}, options=options
        )
        return answer

    def iterate_keys(
        self, *, limit: int | None = None, cursor: str | None = None, options: CallOptions | None = None
    ) -> AsyncPages[models.KeyList, models.KeyShape]:
        """Go through all pages of list_keys(), from a cursor on if one is given."""

        async def turn(cursor_now: str | None) -> models.KeyList:
            return await self.list_keys(limit=limit, cursor=cursor_now, options=options)

        return AsyncPages(turn, "keys", cursor)

    async def get_key(self, key_id: str, *, options: CallOptions | None = None) -> models.KeyShape:
        """Read an API key.

        Shows everything but its secret. Needs the scope `account:manage`.
        """
        answer: models.KeyShape = await self._transport.send(table.GET_KEY, path={"keyId": key_id}, options=options)
        return answer

    async def change_key(
        self, key_id: str, body: models.KeyEditsBody, *, if_match: str | None = None, options: CallOptions | None = None
    ) -> models.KeyShape:
        """Change an API key.

        A missing member keeps its value. Every server knows the change within two seconds. A
        key cannot change one that has a scope which it lacks itself: that is 403. Needs the
        scope `account:manage`.
        """
        answer: models.KeyShape = await self._transport.send(
            table.CHANGE_KEY, path={"keyId": key_id}, headers={"If-Match": if_match}, body=body, options=options
        )
        return answer

    async def revoke_key(
        self, key_id: str, *, if_match: str | None = None, options: CallOptions | None = None
    ) -> models.KeyShape:
        """Revoke an API key.

        Every server refuses the key within two seconds. Revoking it again is also 200. A key
        may revoke itself: `isCaller` is then true, and this answer is its last one. Needs the
        scope `account:manage`.
        """
        answer: models.KeyShape = await self._transport.send(
            table.REVOKE_KEY, path={"keyId": key_id}, headers={"If-Match": if_match}, options=options
        )
        return answer

    async def rotate_key(
        self,
        key_id: str,
        body: models.RotateBody | None = None,
        *,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        options: CallOptions | None = None,
    ) -> models.RotatedKeyShape:
        """Replace an API key.

        Makes a key with the same label, scopes, networks and rate. Both are valid until the
        overlap ends. A key may rotate itself. It cannot rotate one that has a scope which it
        lacks: that is 403. Needs the scope `account:manage`.
        """
        answer: models.RotatedKeyShape = await self._transport.send(
            table.ROTATE_KEY,
            path={"keyId": key_id},
            headers={"If-Match": if_match, "Idempotency-Key": idempotency_key},
            body=body,
            options=options,
        )
        return answer

    async def list_members(self, *, options: CallOptions | None = None) -> models.MemberList:
        """List the members.

        All people of the account with their roles, by e-mail address. Needs the scope
        `account:manage`.
        """
        answer: models.MemberList = await self._transport.send(table.LIST_MEMBERS, options=options)
        return answer

    async def get_member(self, user_id: str, *, options: CallOptions | None = None) -> models.MemberShape:
        """Read a member.

        The person with the role in this account. Needs the scope `account:manage`.
        """
        answer: models.MemberShape = await self._transport.send(
            table.GET_MEMBER, path={"userId": user_id}, options=options
        )
        return answer

    async def put_member(
        self, user_id: str, body: models.MemberBody, *, options: CallOptions | None = None
    ) -> models.MemberShape:
        """Set a member's role.

        Takes effect at once, also in open sessions. The same role again changes nothing. A role
        with a scope that the caller lacks is 403. The account's last owner keeps the role: 409.
        To add somebody, use POST /api/v2/invitations. Needs the scope `account:manage`.
        """
        answer: models.MemberShape = await self._transport.send(
            table.PUT_MEMBER, path={"userId": user_id}, body=body, options=options
        )
        return answer

    async def remove_member(self, user_id: str, *, options: CallOptions | None = None) -> Done:
        """Remove a member.

        Ends the membership, and the person's sessions in the account. The person and the
        history stay. Needs the scope `account:manage`.
        """
        answer: Done = await self._transport.send(table.REMOVE_MEMBER, path={"userId": user_id}, options=options)
        return answer

    async def suspend_member(
        self, user_id: str, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.MemberShape:
        """Suspend a member.

        The person cannot enter this account any more, and the sessions in it end. The role
        stays for a resume. Other accounts of the person are not touched. Suspending again
        changes nothing. Needs the scope `account:manage`.
        """
        answer: models.MemberShape = await self._transport.send(
            table.SUSPEND_MEMBER,
            path={"userId": user_id},
            headers={"Idempotency-Key": idempotency_key},
            options=options,
        )
        return answer

    async def resume_member(
        self, user_id: str, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.MemberShape:
        """Let a suspended member in.

        The person can enter the account again, with the role as before. A role with a scope
        that the caller lacks is 403. For a member who is not suspended, nothing changes. Needs
        the scope `account:manage`.
        """
        answer: models.MemberShape = await self._transport.send(
            table.RESUME_MEMBER, path={"userId": user_id}, headers={"Idempotency-Key": idempotency_key}, options=options
        )
        return answer

    async def invite_member(
        self, body: models.InvitationBody, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.InvitationShape:
        """Invite a person.

        Adds a person whom no account has yet, and gives a link, only in this answer. With it
        the person sets a password, once, within three days. Padrón sends no mail. Addresses
        have at most 254 characters. A role with a scope that the caller lacks is 403. Needs the
        scope `account:manage`.
        """
        answer: models.InvitationShape = await self._transport.send(
            table.INVITE_MEMBER, headers={"Idempotency-Key": idempotency_key}, body=body, options=options
        )
        return answer

    async def create_member_link(
        self, user_id: str, *, idempotency_key: str | None = None, options: CallOptions | None = None
    ) -> models.LinkShape:
        """Make another link.

        Gives a member a new link to set a password, in the place of earlier ones. It is 403 for
        somebody whom another account has too, and for a member whose role has a scope that the
        caller lacks. Needs the scope `account:manage`.
        """
        answer: models.LinkShape = await self._transport.send(
            table.CREATE_MEMBER_LINK,
            path={"userId": user_id},
            headers={"Idempotency-Key": idempotency_key},
            options=options,
        )
        return answer

    async def get_liveness(self, *, options: CallOptions | None = None) -> models.HealthShape:
        """Does the process live?.

        200 while the server's event loop runs. No key is needed.
        """
        answer: models.HealthShape = await self._transport.send(table.GET_LIVENESS, options=options)
        return answer

    async def get_readiness(self, *, options: CallOptions | None = None) -> models.HealthShape:
        """Can it serve?.

        200 when the database answers, takes writes and has this program's schema. No key is
        needed. Otherwise 503, and the member `troubles` of the problem lists what is wrong:
        each has a `code` for programs and a `detail` for people. The codes are
        `database_unreachable`, `migrations_pending`, `damaged`, `file_gone`, `disk_full`,
        `disk_failing`, `read_only`. A server on a SQLite file checks it after each start and
        once a day: `integrity` says how far this is. If there is a replica, `replica` says
        whether it answers reads. If it does not, the primary answers them, and `warnings` says
        so, as it does when a continuous backup fails.
        """
        answer: models.HealthShape = await self._transport.send(table.GET_READINESS, options=options)
        return answer

    async def get_resource_metadata(self, *, options: CallOptions | None = None) -> models.ResourceMetadataShape:
        """Whose access tokens does it take?.

        The protected resource metadata of RFC 9728: the identity providers whose access tokens
        can be sent instead of an API key. No key is needed. 404 if the operator has configured
        none.
        """
        answer: models.ResourceMetadataShape = await self._transport.send(table.GET_RESOURCE_METADATA, options=options)
        return answer

    async def get_start(self, *, options: CallOptions | None = None) -> dict[str, Any]:
        """Where what is.

        Leads a browser (`Accept: text/html`) to the console, and gives a program the addresses
        of the documentation.
        """
        answer: dict[str, Any] = await self._transport.send(table.GET_START, options=options)
        return answer

    async def get_open_api(self, *, options: CallOptions | None = None) -> dict[str, Any]:
        """This document.

        The OpenAPI 3.1 description of the API, made from the declarations in its code.
        """
        answer: dict[str, Any] = await self._transport.send(table.GET_OPEN_API, options=options)
        return answer

    def get_docs(self, *, options: CallOptions | None = None) -> AsyncDownload:
        """The documentation.

        This description as a page that needs no network.
        """
        return self._transport.download(table.GET_DOCS, options=options)

    def get_guide(self, guide: str, *, options: CallOptions | None = None) -> AsyncDownload:
        """A guide.

        A page about one subject. It needs no network either.
        """
        return self._transport.download(table.GET_GUIDE, path={"guide": guide}, options=options)

    def get_asset(self, asset: Literal["docs.css", "docs.js"], *, options: CallOptions | None = None) -> AsyncDownload:
        """The style sheet and the script.

        Files that the pages use. Both are optional.
        """
        return self._transport.download(table.GET_ASSET, path={"asset": asset}, options=options)

    def list_errors(self, *, options: CallOptions | None = None) -> AsyncDownload:
        """All errors.

        A page that lists every kind of error.
        """
        return self._transport.download(table.LIST_ERRORS, options=options)

    def get_error(self, slug: str, *, options: CallOptions | None = None) -> AsyncDownload:
        """One error.

        A page about one kind of error: what it means and what to do.
        """
        return self._transport.download(table.GET_ERROR, path={"slug": slug}, options=options)
